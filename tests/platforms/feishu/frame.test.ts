import { describe, expect, test } from "bun:test";
import { decodeFrame, encodeFrame, type Frame, headerIn } from "../../../src/platforms/feishu/frame.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const bytes = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(" ", ""), "hex"));

const PING: Frame = { seqId: 1n, logId: 2n, service: 3, method: 0, headers: [["type", "ping"]] };

test("a ping is the bytes that protobuf makes of it", () => {
  expect(hex(encodeFrame(PING))).toBe(hex(bytes("0801 1002 1803 2000 2a0c 0a0474797065 120470696e67")));
});

test("the widest ids, negative numbers, repeated headers and every field come back as they were", () => {
  const frame: Frame = {
    seqId: 18446744073709551615n,
    logId: 9223372036854775809n,
    service: -1,
    method: -2147483648,
    headers: [
      ["message_id", "飞书 👨‍👩‍👧‍👦"],
      ["sum", "3"],
      ["sum", "4"],
      ["", ""],
    ],
    payloadEncoding: "gzip",
    payloadType: "json",
    payload: new Uint8Array(5000).map((_, i) => i),
    logIdNew: "2026",
  };
  const encoded = encodeFrame(frame);
  expect(hex(encoded)).toStartWith(`08${"ff".repeat(9)}01`);
  expect(decodeFrame(encoded)).toEqual(frame);
  expect(headerIn(frame, "sum")).toBe("4");
  expect(headerIn(frame, "seq")).toBe("");
});

test("fields that nobody knows are left out, of whatever kind they are", () => {
  const strange = "7801 79 0102030405060708 7a02ffff 7d 01020304";
  expect(decodeFrame(bytes(`${hex(encodeFrame(PING))}${strange}`))).toEqual(PING);
});

describe("what is no frame is an error, not a crash:", () => {
  const whole = hex(encodeFrame({ ...PING, payload: new Uint8Array([1, 2, 3]) }));
  test.each(Array.from({ length: whole.length / 2 - 1 }, (_, i) => i + 1))("cut after %p bytes", (length) => {
    const cut = bytes(whole.slice(0, 2 * length));
    // A cut between two fields leaves a shorter frame; anywhere else it is noticed.
    try {
      expect(decodeFrame(cut).seqId).toBe(length < 2 ? 0n : 1n);
    } catch (error) {
      expect(error).toBeInstanceOf(RangeError);
    }
  });
  test.each([
    ["a number without an end", "08 ffffffffffffffffffffff"],
    ["a group", "0b"],
    ["a length beyond the end", "42 ffffffff0f 00"],
    ["a length beyond all numbers", "42 ffffffffffffffffff01 00"],
    ["a text that is no UTF-8", "4a 02 c328"],
  ])("%s", (_, text) => {
    expect(() => decodeFrame(bytes(text))).toThrow(RangeError);
  });
});
