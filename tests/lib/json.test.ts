import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { AppError } from "../../src/lib/errors.ts";
import { canonicalJson, MAX_JSON_DEPTH, parseJson } from "../../src/lib/json.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);

function refusal(input: Uint8Array): AppError {
  try {
    parseJson(input);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error("it was accepted");
}

describe("parseJson", () => {
  test("reads every JSON value as JSON.parse does", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
        const text = JSON.stringify(value);
        expect(parseJson(bytes(text))).toEqual(JSON.parse(text));
      }),
    );
  });

  test("brackets inside of strings do not count as depth", () => {
    const text = JSON.stringify(["[".repeat(500), '{"\\"[[['.repeat(100), "\\"]);
    expect(parseJson(bytes(text))).toEqual(JSON.parse(text));
  });

  test("accepts the deepest allowed nesting and refuses one more", () => {
    expect(parseJson(bytes(nested(MAX_JSON_DEPTH)))).toBeArray();
    expect(refusal(bytes(nested(MAX_JSON_DEPTH + 1))).message).toContain(`${MAX_JSON_DEPTH} levels`);
    expect(refusal(bytes("[".repeat(1_000_000))).code).toBe("malformed_json");
    expect(refusal(bytes('{"a":'.repeat(65))).code).toBe("malformed_json");
  });

  for (const [what, input] of [
    ["nothing", bytes("")],
    ["an open object", bytes('{"a":1')],
    ["two values", bytes("{} {}")],
    ["a comment", bytes("{} // no")],
    ["single quotes", bytes("{'a':1}")],
    ["NaN", bytes("NaN")],
    ["a byte order mark", new Uint8Array([0xef, 0xbb, 0xbf, 0x7b, 0x7d])],
    ["a cut UTF-8 sequence", new Uint8Array([0x22, 0xe4, 0xbd, 0x22])],
    ["an overlong encoding", new Uint8Array([0x22, 0xc0, 0xaf, 0x22])],
    ["an encoded surrogate", new Uint8Array([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ["UTF-16", new Uint8Array([0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00])],
  ] as const)
    test(`refuses ${what}`, () => {
      expect(refusal(input).code).toBe("malformed_json");
    });

  test("the message never repeats the text", () => {
    const error = refusal(bytes('{"password":"hunter2",}'));
    expect(error.message + error.hint).not.toContain("hunter2");
  });
});

describe("canonicalJson", () => {
  test("equal values give equal text, whatever the order of their keys", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const turned = Object.fromEntries(Object.entries(value).reverse());
        expect(canonicalJson(turned)).toBe(canonicalJson(value));
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test("the order of a list counts", () => {
    expect(canonicalJson([1, 2])).not.toBe(canonicalJson([2, 1]));
  });
});
