"""Signs webhooks as each scheme's documentation says, with nothing but Python's own library."""
import base64, hashlib, hmac, json, sys
from urllib.parse import parse_qsl


def mac(key, content, algorithm="sha256"):
    return hmac.new(key, content, algorithm)


def key_of(secret):
    return base64.b64decode(secret[6:]) if secret.startswith("whsec_") else secret.encode()


def headers(case):
    scheme, secret = case["scheme"], case["secret"].encode()
    body, url = base64.b64decode(case["body"]), case.get("url", "")
    message, seconds = case["id"], str(case["seconds"])
    if scheme == "hermes":
        return {"x-hermes-signature": "sha256=" + mac(secret, body).hexdigest()}
    if scheme == "github":
        return {"x-hub-signature-256": "sha256=" + mac(secret, body).hexdigest()}
    if scheme == "gitlab":
        return {"x-gitlab-token": case["secret"]}
    if scheme == "linear":
        return {"linear-signature": mac(secret, body).hexdigest()}
    if scheme == "stripe":
        content = seconds.encode() + b"." + body
        return {"stripe-signature": "t=" + seconds + ",v1=" + mac(secret, content).hexdigest()}
    if scheme == "slack":
        content = b"v0:" + seconds.encode() + b":" + body
        return {"x-slack-request-timestamp": seconds, "x-slack-signature": "v0=" + mac(secret, content).hexdigest()}
    if scheme in ("standard", "svix"):
        prefix = "webhook" if scheme == "standard" else "svix"
        content = message.encode() + b"." + seconds.encode() + b"." + body
        signature = base64.b64encode(mac(key_of(case["secret"]), content).digest()).decode()
        return {prefix + "-id": message, prefix + "-timestamp": seconds, prefix + "-signature": "v1," + signature}
    if scheme == "twilio":
        fields = sorted(parse_qsl(body.decode(), keep_blank_values=True))
        content = (url + "".join(name + value for name, value in fields)).encode()
        return {"x-twilio-signature": base64.b64encode(mac(secret, content, "sha1").digest()).decode()}
    if scheme == "generic":
        content = ("%s|%s|%s|" % (url, message, seconds)).encode() + body
        return {"x-id": message, "x-time": seconds, "x-sig": "sha1=" + mac(secret, content, "sha1").hexdigest()}
    raise ValueError(scheme)


print(json.dumps([headers(case) for case in json.load(sys.stdin)]))
