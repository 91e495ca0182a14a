import { describe, expect, test } from "bun:test";
import { clientAddress } from "../../../src/http/plugins/client-address.ts";

const PROXIES = ["10.0.0.0/8", "127.0.0.1/32", "fd00::/8"];

describe("client address", () => {
  for (const [what, peer, forwarded, trusted, address] of [
    ["a peer without forwarded headers", "203.0.113.7", null, PROXIES, "203.0.113.7"],
    ["a peer that is no trusted proxy cannot forward", "203.0.113.7", "198.51.100.1", PROXIES, "203.0.113.7"],
    ["nobody is trusted by default, loopback neither", "127.0.0.1", "198.51.100.1", [], "127.0.0.1"],
    ["X-Forwarded-For: 127.0.0.1 changes nothing", "203.0.113.7", "127.0.0.1", PROXIES, "203.0.113.7"],
    ["a trusted proxy names the client", "127.0.0.1", "198.51.100.1", PROXIES, "198.51.100.1"],
    [
      "the right-most untrusted hop counts",
      "127.0.0.1",
      "1.1.1.1, 198.51.100.1, 10.1.2.3",
      PROXIES,
      "198.51.100.1",
    ],
    [
      "what the client itself wrote does not count",
      "127.0.0.1",
      "9.9.9.9, 198.51.100.1",
      PROXIES,
      "198.51.100.1",
    ],
    ["only proxies: the first of them", "127.0.0.1", "10.1.1.1, 10.1.1.2", PROXIES, "10.1.1.1"],
    ["garbage ends the chain", "127.0.0.1", "198.51.100.1, nonsense, 10.1.1.2", PROXIES, "10.1.1.2"],
    ["an empty header", "127.0.0.1", "", PROXIES, "127.0.0.1"],
    ["ports and brackets", "127.0.0.1", "198.51.100.1:4711", PROXIES, "198.51.100.1"],
    ["IPv4 written as IPv6", "::ffff:127.0.0.1", "::ffff:198.51.100.1", PROXIES, "198.51.100.1"],
    [
      "an IPv6 client counts as its /64",
      "127.0.0.1",
      "[2001:db8:1:2:3:4:5:6]:443",
      PROXIES,
      "2001:db8:1:2::/64",
    ],
    ["another address of the same /64", "2001:db8:1:2:ffff::1", null, PROXIES, "2001:db8:1:2::/64"],
    ["an IPv6 proxy", "fd00::1", "198.51.100.1", PROXIES, "198.51.100.1"],
    ["a peer that is gone", "", "198.51.100.1", PROXIES, ""],
  ] as const)
    test(what, () => {
      expect(clientAddress(peer, forwarded, trusted)).toBe(address);
    });
});
