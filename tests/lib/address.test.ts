import { describe, expect, test } from "bun:test";
import { isInCidrs, isPublicAddress } from "../../src/lib/address.ts";
import { PRIVATE_ADDRESSES, PUBLIC_ADDRESSES } from "./addresses.ts";

describe("public addresses", () => {
  test.each(PUBLIC_ADDRESSES.map((address) => [address]))("%s is public", (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  test.each(PRIVATE_ADDRESSES.map((address) => [address]))("%s is not", (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  test("what is no address, or an address in an odd spelling, is not public", () => {
    for (const text of [
      "",
      "example.com",
      "8.8.8",
      "010.8.8.8",
      "0x8.8.8.8",
      "134744072",
      "[2606:4700::1]",
      "8.8.8.8 ",
    ])
      expect(isPublicAddress(text)).toBe(false);
  });
});

describe("CIDRs", () => {
  test("cover their range and nothing else", () => {
    expect(isInCidrs("10.1.2.3", ["192.168.0.0/16", "10.0.0.0/8"])).toBe(true);
    expect(isInCidrs("11.0.0.0", ["10.0.0.0/8"])).toBe(false);
    expect(isInCidrs("fd00::1", ["fd00::/8"])).toBe(true);
    expect(isInCidrs("fe80::1", ["fd00::/8"])).toBe(false);
    expect(isInCidrs("10.1.2.3", [])).toBe(false);
  });

  test("a plain address covers itself", () => {
    expect(isInCidrs("10.1.2.3", ["10.1.2.3"])).toBe(true);
    expect(isInCidrs("10.1.2.4", ["10.1.2.3"])).toBe(false);
    expect(isInCidrs("fd00::1", ["fd00::1"])).toBe(true);
  });

  test("an IPv4 range does not cover IPv6 spellings", () => {
    expect(isInCidrs("::ffff:10.1.2.3", ["10.0.0.0/8", "0.0.0.0/0"])).toBe(false);
    expect(isInCidrs("10.1.2.3", ["::/0"])).toBe(false);
  });

  test("what is no CIDR is an error, not an empty or a full range", () => {
    for (const text of [
      "",
      "10.0.0.0/",
      "10.0.0.0/33",
      "10/8",
      "10.0.0.0/8/8",
      "fd00::/129",
      "x/8",
      "10.0.0.0/-1",
      "10.0.0.0/08 x",
    ])
      expect(() => isInCidrs("10.0.0.1", [text])).toThrow("is not a CIDR");
  });
});
