import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import { AppError } from "./errors.ts";

/** The one block from which global IPv6 addresses are given out; the rest of IPv6 is reserved (IANA registry). */
const GLOBAL_IPV6 = ipaddr.parseCIDR("2000::/3");

/** Public by its number, yet every Azure machine reaches its host agent, with the machine's settings, there. */
const AZURE_HOST_AGENT = "168.63.129.16";

/**
 * True for a unicast address of the public internet, in its usual spelling (as `URL` and DNS give it). False for
 * everything else: loopback, private, link-local, shared, documentation, multicast and reserved ranges, every IPv6
 * form that carries an IPv4 address (mapped, NAT64, 6to4, Teredo), and text that is no address.
 */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 0 || address === AZURE_HOST_AGENT) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== "unicast") return false;
  return parsed.kind() === "ipv4" || parsed.match(GLOBAL_IPV6);
}

/**
 * True when the address lies in one of the CIDRs. An IPv4 CIDR never covers an IPv6 spelling of the same address.
 * A plain address counts as a CIDR of one. Throws `config_invalid` for a CIDR that is none.
 */
export function isInCidrs(address: string, cidrs: readonly string[]): boolean {
  if (isIP(address) === 0) return false;
  const parsed = ipaddr.parse(address);
  return cidrs.map(parseCidr).some((cidr) => cidr[0].kind() === parsed.kind() && parsed.match(cidr));
}

function parseCidr(text: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  const [address = "", bits, ...more] = text.trim().split("/");
  const width = isIP(address) === 4 ? 32 : 128;
  const length = bits === undefined ? width : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
  if (isIP(address) === 0 || more.length > 0 || !(length <= width))
    throw new AppError("config_invalid", `"${text}" is not a CIDR.`, {
      hint: "Write an address range such as 192.168.1.0/24 or fd00::/8.",
    });
  return [ipaddr.parse(address), length];
}
