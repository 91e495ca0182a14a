import { isIP } from "node:net";
import { derived, type LiveConfig } from "../../config/live.ts";
import type { Config } from "../../config/schema.ts";

/** The longest list of Host values that are remembered as allowed; clients use a handful. */
const MAX_REMEMBERED = 64;
const HOST = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?$/;

/** What the configuration says of them. */
export interface Visitors {
  /** The name that is listened on and further ones. */
  hosts: readonly string[];
  origins: readonly string[];
}

/** Which names and which pages may reach a surface. */
export interface Doorkeeper {
  /** True for `localhost`, a plain address, the listener's own name and the configured names, with any port. */
  servesHost(host: string | null): boolean;
  /** True for a configured origin, and for a page that this server itself served. */
  allowsOrigin(origin: string, host: string): boolean;
}

/**
 * Guards against pages of other sites that reach a local server: by a name of theirs that resolves to it (DNS rebinding)
 * or by a plain request from the browser.
 */
export function createDoorkeeper(config: LiveConfig, read: (config: Config) => Visitors): Doorkeeper {
  const lists = derived(config, (current) => {
    const { hosts, origins } = read(current);
    return {
      names: new Set(["localhost", ...hosts].map((name) => name.toLowerCase())),
      origins: new Set(origins),
      remembered: new Set<string>(),
    };
  });
  return {
    servesHost(host) {
      if (host === null) return false;
      const { names, remembered } = lists();
      if (remembered.has(host)) return true;
      const name = HOST.exec(host)?.[1]?.toLowerCase();
      if (name === undefined) return false;
      if (!names.has(name) && isIP(name.replace(/^\[(.*)\]$/, "$1")) === 0) return false;
      if (remembered.size < MAX_REMEMBERED) remembered.add(host);
      return true;
    },
    allowsOrigin(origin, host) {
      return lists().origins.has(origin) || origin === `http://${host}` || origin === `https://${host}`;
    },
  };
}
