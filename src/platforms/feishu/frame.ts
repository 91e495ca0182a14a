/** What a frame of the long connection is for. */
export const METHOD = { control: 0, data: 1 } as const;

/**
 * A frame of the long connection: `pbbp2.Frame` of the platform's SDKs (larksuite/oapi-sdk-go, ws/pbbp2.pb.go), a protobuf
 * message. Its ids have 64 bits.
 */
export interface Frame {
  seqId: bigint;
  logId: bigint;
  service: number;
  method: number;
  /** In the order in which they came. */
  headers: readonly (readonly [key: string, value: string])[];
  payloadEncoding?: string;
  payloadType?: string;
  payload?: Uint8Array;
  logIdNew?: string;
}

const VARINT = 0;
const FIXED_64 = 1;
const BYTES = 2;
const FIXED_32 = 5;
const MAX_VARINT_BYTES = 10;

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const utf8 = new TextEncoder();

/** The frame as bytes. The first four fields are always there: Feishu's reader wants them. */
export function encodeFrame(frame: Frame): Uint8Array<ArrayBuffer> {
  const out: number[] = [];
  putNumber(out, 1, frame.seqId);
  putNumber(out, 2, frame.logId);
  putNumber(out, 3, BigInt(frame.service));
  putNumber(out, 4, BigInt(frame.method));
  for (const [key, value] of frame.headers) {
    const header: number[] = [];
    putBytes(header, 1, utf8.encode(key));
    putBytes(header, 2, utf8.encode(value));
    putBytes(out, 5, Uint8Array.from(header));
  }
  if (frame.payloadEncoding !== undefined) putBytes(out, 6, utf8.encode(frame.payloadEncoding));
  if (frame.payloadType !== undefined) putBytes(out, 7, utf8.encode(frame.payloadType));
  if (frame.payload !== undefined) putBytes(out, 8, frame.payload);
  if (frame.logIdNew !== undefined) putBytes(out, 9, utf8.encode(frame.logIdNew));
  return Uint8Array.from(out);
}

/** Reads a frame; fields that are not known are left out. Throws a `RangeError` for bytes that are no frame. */
export function decodeFrame(bytes: Uint8Array): Frame {
  const frame: { -readonly [Key in keyof Frame]: Frame[Key] } & { headers: [string, string][] } = {
    seqId: 0n,
    logId: 0n,
    service: 0,
    method: 0,
    headers: [],
  };
  for (const { field, number, bytes: value } of fieldsOf(bytes)) {
    if (field === 1) frame.seqId = BigInt.asUintN(64, number);
    else if (field === 2) frame.logId = BigInt.asUintN(64, number);
    else if (field === 3) frame.service = Number(BigInt.asIntN(32, number));
    else if (field === 4) frame.method = Number(BigInt.asIntN(32, number));
    else if (field === 5) frame.headers.push(headerOf(value));
    else if (field === 6) frame.payloadEncoding = textOf(value);
    else if (field === 7) frame.payloadType = textOf(value);
    else if (field === 8) frame.payload = value;
    else if (field === 9) frame.logIdNew = textOf(value);
  }
  return frame;
}

/** The value of the last header of this name; empty when there is none. */
export function headerIn({ headers }: Frame, name: string): string {
  return headers.findLast(([key]) => key === name)?.[1] ?? "";
}

function headerOf(bytes: Uint8Array): [string, string] {
  const header: [string, string] = ["", ""];
  for (const { field, bytes: value } of fieldsOf(bytes)) {
    if (field === 1) header[0] = textOf(value);
    else if (field === 2) header[1] = textOf(value);
  }
  return header;
}

interface Field {
  field: number;
  /** Of a varint. */
  number: bigint;
  /** Of text, bytes and messages. */
  bytes: Uint8Array;
}

function* fieldsOf(bytes: Uint8Array): Generator<Field> {
  const reader = { bytes, at: 0 };
  while (reader.at < bytes.length) {
    const tag = Number(takeVarint(reader));
    const field = { field: Math.floor(tag / 8), number: 0n, bytes: NO_BYTES };
    const wireType = tag % 8;
    if (wireType === VARINT) field.number = takeVarint(reader);
    else if (wireType === BYTES) field.bytes = take(reader, Number(takeVarint(reader)));
    else if (wireType === FIXED_64) take(reader, 8);
    else if (wireType === FIXED_32) take(reader, 4);
    else throw new RangeError(`a field of a frame has the wire type ${wireType}`);
    yield field;
  }
}

const NO_BYTES: Uint8Array = new Uint8Array();

interface Reader {
  bytes: Uint8Array;
  at: number;
}

function take(reader: Reader, length: number): Uint8Array {
  const end = reader.at + length;
  if (!(end <= reader.bytes.length)) throw new RangeError("a frame ends too soon");
  const taken = reader.bytes.subarray(reader.at, end);
  reader.at = end;
  return taken;
}

function takeVarint(reader: Reader): bigint {
  let value = 0n;
  for (let i = 0; i < MAX_VARINT_BYTES; i++) {
    const byte = reader.bytes[reader.at];
    if (byte === undefined) throw new RangeError("a frame ends too soon");
    reader.at += 1;
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte < 0x80) return value;
  }
  throw new RangeError("a number in a frame does not end");
}

function textOf(bytes: Uint8Array): string {
  try {
    return strictUtf8.decode(bytes);
  } catch (cause) {
    throw new RangeError("a text in a frame is no UTF-8", { cause });
  }
}

function putNumber(out: number[], field: number, value: bigint): void {
  out.push(field * 8 + VARINT);
  putVarint(out, value);
}

function putBytes(out: number[], field: number, bytes: Uint8Array): void {
  out.push(field * 8 + BYTES);
  putVarint(out, BigInt(bytes.length));
  for (const byte of bytes) out.push(byte);
}

/** A negative number takes ten bytes, as protobuf has it. */
function putVarint(out: number[], value: bigint): void {
  let rest = BigInt.asUintN(64, value);
  while (rest >= 0x80n) {
    out.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  out.push(Number(rest));
}
