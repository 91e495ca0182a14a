import { fetchAttachments } from "../../src/agent/attachments.ts";
import { toAppError } from "../../src/lib/errors.ts";
import { createLimit } from "../../src/lib/limit.ts";
import { createSafeFetch, type SafeFetch } from "../../src/lib/safe-fetch.ts";
import { PRIVATE_ADDRESSES } from "../lib/addresses.ts";
import { hostSpellings } from "../lib/spellings.ts";
import { PUBLIC_ADDRESS, type StandIn } from "./stand-in.ts";
import { openWebTools } from "./web.ts";

/** A way in which an address that somebody chose comes to be fetched. */
export interface SsrfDoor {
  name: string;
  /** Whether the URL itself can be chosen; else only what the operator's own server redirects to. */
  direct: boolean;
  /** What came of it, in words. */
  open(url: string, fetch: SafeFetch): Promise<string>;
}

export const DOORS: readonly SsrfDoor[] = [
  {
    name: "web_extract",
    direct: true,
    open: async (url, fetch) => (await openWebTools({ fetch }).extract(url)).text,
  },
  {
    name: "attachments",
    direct: true,
    open: (url, fetch) =>
      fetchAttachments([url], fetch, new AbortController().signal).then(
        (message) => JSON.stringify(message),
        (error: unknown) => toAppError(error).message,
      ),
  },
  {
    name: "web_search",
    direct: false,
    // The provider's path and query come after the query of this base URL, which the stand-in leaves alone.
    open: async (url, fetch) => {
      const search = { searxng: { base_url: `${url}&rest=` } };
      return (await openWebTools({ fetch, web: { search } }).search("x")).text;
    },
  },
];

export interface SsrfAttempt {
  what: string;
  run: () => Promise<string>;
}

/** Non-http(s) addresses. */
const SCHEMES = [
  "file:///etc/passwd",
  "ftp://127.0.0.1/",
  "gopher://127.0.0.1/",
  "data:text/plain,x",
  "ws://127.0.0.1/",
  "unix:/run/x.sock",
  "s3://bucket/key",
  "javascript:1",
  "blob:http://127.0.0.1/x",
  "about:blank",
];

/**
 * Every special address in so many of its spellings, all of them without a number, through a door: asked for directly, as the target of a redirect, and
 * as the second answer of a resolver whose first one was good.
 */
export function attemptsThrough(
  door: SsrfDoor,
  { standIn, canaryPort, spellings }: { standIn: StandIn; canaryPort: number; spellings?: number },
): SsrfAttempt[] {
  const hostile = fetchWith(async () => ["127.0.0.1"]); // every name is at home on this machine
  const attempts: SsrfAttempt[] = [];
  const add = (how: string, what: string, url: string, fetch = hostile) =>
    attempts.push({ what: `${door.name}, ${how}: ${what}`, run: () => door.open(url, fetch) });
  for (const address of PRIVATE_ADDRESSES)
    for (const host of hostSpellings(address).slice(0, spellings)) {
      const url = `http://${host}:${canaryPort}/latest/meta-data`;
      if (door.direct) add("direct", url, url);
      add("redirect", url, standIn.redirectTo(url));
      const back = standIn.redirectTo(`http://flip.test:${canaryPort}/`, "flip.test");
      let asked = 0;
      const flipping = fetchWith(async () => (asked++ === 0 ? [PUBLIC_ADDRESS] : [host]));
      add("flip", host, door.direct ? back : standIn.redirectTo(back), flipping);
    }
  for (const url of SCHEMES) {
    if (door.direct) add("scheme", url, url);
    add("redirect", url, standIn.redirectTo(url));
  }
  const loop = [1, 2, 3, 4].reduce((url) => standIn.redirectTo(url), standIn.origin);
  add("four redirects", "", loop);
  return attempts;
}

function fetchWith(resolve: (name: string) => Promise<readonly string[]>): SafeFetch {
  return createSafeFetch({ allowCidrs: () => [`${PUBLIC_ADDRESS}/32`], resolve });
}

/** What went otherwise than being refused. */
export async function notRefused(attempts: readonly SsrfAttempt[]): Promise<string[]> {
  const wrong: string[] = [];
  const oneOfSome = createLimit(16);
  await Promise.all(
    attempts.map(({ what, run }) =>
      oneOfSome(async () => {
        const outcome = await run();
        if (!/not fetched/.test(outcome)) wrong.push(`${what}: ${outcome.slice(0, 200)}`);
      }),
    ),
  );
  return wrong;
}
