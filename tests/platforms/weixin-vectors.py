"""Makes weixin-vectors.json: callbacks of WeCom and WeChat, signed and encrypted by another implementation than the one that is
tested. Needs the package cryptography; run it from the root of the repository: python3 tests/platforms/weixin-vectors.py"""

import base64
import hashlib
import json
import pathlib
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

TOKEN = "QDG6eK"
KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
RECEIVER = "wx5823bf96d3bd56c7"
TIMESTAMP = "1409659589"
NONCE = "263014780"
RANDOM = bytes(range(16))

key = base64.b64decode(KEY + "=")


def encrypt(plain):
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(encryptor.update(plain) + encryptor.finalize()).decode()


def framed(text, receiver=RECEIVER, length=None):
    data = text if isinstance(text, bytes) else text.encode()
    return RANDOM + struct.pack(">I", len(data) if length is None else length) + data + receiver.encode()


def padded(plain):
    pad = 32 - len(plain) % 32
    return plain + bytes([pad]) * pad


def signed(encrypted):
    parts = sorted([TOKEN, TIMESTAMP, NONCE, encrypted])
    return hashlib.sha1("".join(parts).encode()).hexdigest()


def case(plain, **more):
    encrypted = encrypt(plain)
    return {**more, "encrypted": encrypted, "signature": signed(encrypted)}


right = []
for extra in range(32):
    text = "<xml><Content><![CDATA[你好 😀" + "a" * extra + "]]></Content></xml>"
    plain = padded(framed(text))
    right.append(case(plain, pad=plain[-1], text=text))
assert sorted(one["pad"] for one in right) == list(range(1, 33))

whole = framed("hello")
fill = 32 - len(whole) % 32
short = 16 - len(whole) % 16
assert short != fill
wrong = [
    case(padded(framed("hello", "wx0000000000000000")), what="another receiver"),
    case(padded(framed("hello", RECEIVER + "x")), what="a longer receiver"),
    case(padded(framed("hello", RECEIVER[:-1])), what="a shorter receiver"),
    case(padded(framed("hello", "")), what="no receiver"),
    case(whole + bytes(fill), what="padding of 0"),
    case(whole + bytes([33]) * fill, what="padding of 33"),
    case(whole + bytes([255]) * fill, what="padding of 255"),
    case(whole + bytes([fill - 1]) + bytes([fill]) * (fill - 1), what="padding that is not all the same"),
    case(whole + bytes([short]) * short, what="padding up to 16 bytes alone"),
    case(padded(framed("hello", length=2**31)), what="a length beyond the end"),
    case(padded(framed("hello", length=4)), what="a length that is too short"),
    case(padded(b""), what="nothing"),
    case(padded(RANDOM + b"\0\0"), what="half a head"),
    case(padded(framed(b"\xff\xfe")), what="no UTF-8"),
]

path = pathlib.Path(__file__).with_suffix(".json")
vectors = {
    "token": TOKEN,
    "encodingAesKey": KEY,
    "receiverId": RECEIVER,
    "timestamp": TIMESTAMP,
    "nonce": NONCE,
    "right": sorted(right, key=lambda one: one["pad"]),
    "wrong": wrong,
}
path.write_text(json.dumps(vectors, ensure_ascii=False, indent=2) + "\n")
