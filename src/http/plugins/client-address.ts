import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import { isInCidrs } from "../../lib/address.ts";

/**
 * The address that a request counts for. `X-Forwarded-For` counts only when the peer is a trusted proxy, and then the
 * right-most address that is not one itself: everything left of it was written by the client. An IPv6 address counts as
 * its /64, which is what one customer has.
 */
export function clientAddress(
  peer: string,
  forwardedFor: string | null,
  trustedProxies: readonly string[],
): string {
  let address = plain(peer);
  if (forwardedFor !== null && trustedProxies.length > 0)
    for (const hop of forwardedFor.split(",").reverse()) {
      if (!isInCidrs(address, trustedProxies)) break;
      const next = plain(hop.trim());
      if (isIP(next) === 0) break;
      address = next;
    }
  return isIP(address) === 6 ? network(address) : address;
}

/** True where the peer of a connection is a proxy whose word counts. */
export function isTrustedProxy(peer: string, trustedProxies: readonly string[]): boolean {
  return trustedProxies.length > 0 && isInCidrs(plain(peer), trustedProxies);
}

/** The scheme that a client used: that of the connection, unless a trusted proxy says in `X-Forwarded-Proto` that it was TLS. */
export function clientScheme(
  peer: string,
  forwardedProto: string | null,
  trustedProxies: readonly string[],
): "http" | "https" {
  return forwardedProto === "https" && isTrustedProxy(peer, trustedProxies) ? "https" : "http";
}

/** Without the brackets and the port that some proxies add, and IPv4 as IPv4. */
function plain(text: string): string {
  const address = text.replace(/^\[(.*)\](:\d+)?$/, "$1").replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, "$1");
  return isIP(address) === 6 ? ipaddr.process(address).toString() : address;
}

function network(address: string): string {
  const parts = ipaddr.IPv6.parse(address).parts.slice(0, 4);
  return `${parts.map((part) => part.toString(16)).join(":")}::/64`;
}
