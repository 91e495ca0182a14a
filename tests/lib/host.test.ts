import { expect, test } from "bun:test";
import { reachableHost } from "../../src/lib/host.ts";

test("an address to connect to for every address to listen on", () => {
  expect(["127.0.0.1", "0.0.0.0", "::", "::1", "example.com"].map(reachableHost)).toEqual([
    "127.0.0.1",
    "127.0.0.1",
    "127.0.0.1",
    "[::1]",
    "example.com",
  ]);
});
