import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SurfaceName } from "../http/edge.ts";
import type { Log } from "../lib/log.ts";

/** Where a surface of a home answers. */
export interface Endpoint {
  /** The store instance that listens there; while it lives, nobody else has the port. */
  instance: string;
  /** Its address, the base path included. */
  url: string;
}

/**
 * Writes down where a surface answers, for commands of the same user that look for it. Of several services on one home
 * the last one is found. `remove` takes it back, unless another service has written its own since.
 */
export function announceEndpoint(
  home: string,
  surface: SurfaceName,
  endpoint: Endpoint,
  log: Log,
): { remove(): void } {
  const file = endpointFile(home, surface);
  const draft = `${file}.${endpoint.instance}`;
  try {
    writeFileSync(draft, `${JSON.stringify(endpoint)}\n`, { mode: 0o600 });
    renameSync(draft, file);
  } catch (error) {
    log.warn("`hermes status` will not find this service without --url", { error }); // a full disk, perhaps
  }
  return {
    remove() {
      if (readEndpoint(home, surface)?.instance === endpoint.instance) rmSync(file, { force: true });
    },
  };
}

/** The endpoint that was written last, or null. Its service may be gone: ask the store whether its instance lives. */
export function readEndpoint(home: string, surface: SurfaceName): Endpoint | null {
  try {
    const found: Partial<Endpoint> = JSON.parse(readFileSync(endpointFile(home, surface), "utf8"));
    const { instance, url } = found;
    return typeof instance === "string" && typeof url === "string" ? { instance, url } : null;
  } catch {
    return null; // not there, or cut off by a crash: it only saves typing --url
  }
}

function endpointFile(home: string, surface: SurfaceName): string {
  return join(home, `${surface}-endpoint.json`);
}
