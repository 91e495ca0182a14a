import { describe, expect, test } from "bun:test";
import { bearerToken, hasQueryCredential } from "../../../src/http/plugins/credentials.ts";

describe("bearer token", () => {
  for (const [header, token] of [
    ["Bearer abc", "abc"],
    ["bearer abc", "abc"],
    ["BEARER a+/=~._-", "a+/=~._-"],
    ['Bearer "abc"', '"abc"'],
    ["Bearer", null],
    ["Bearer ", null],
    ["Bearer  abc", null],
    ["Bearer abc def", null],
    ["Bearer abc, Bearer def", null],
    ["Basic abc", null],
    ["Bearerabc", null],
    [" Bearer abc", null],
    ["Bearer é", null],
    ["", null],
    [null, null],
  ] as const)
    test(JSON.stringify(header), () => {
      expect(bearerToken(header)).toBe(token);
    });
});

describe("credentials in the query", () => {
  for (const query of [
    "token=a",
    "a=1&token=b",
    "TOKEN=a",
    "access_token",
    "api_key=&x=1",
    "%74oken=a",
    "a=1&api%5Fkey=2",
  ])
    test(`${query} is one`, () => {
      expect(hasQueryCredential(query)).toBe(true);
    });
  for (const query of ["key=token", "q=access_token", "tokens=1", "next_token=1", "q=a%26token%3Db", "%zz"])
    test(`${query} is none`, () => {
      expect(hasQueryCredential(query)).toBe(false);
    });
});
