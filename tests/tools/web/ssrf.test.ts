import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createSafeFetch } from "../../../src/lib/safe-fetch.ts";
import { type Canary, startCanary } from "../../support/canary.ts";
import { attemptsThrough, DOORS, notRefused } from "../../support/ssrf.ts";
import { PUBLIC_ADDRESS, type StandIn, startStandIn } from "../../support/stand-in.ts";

setDefaultTimeout(60_000); // processes start slowly on a busy machine

/** The first ones; `prove:ssrf` tries all. */
const SPELLINGS = 3;

let canary: Canary;
let standIn: StandIn;
beforeAll(async () => {
  [canary, standIn] = await Promise.all([startCanary(), startStandIn()]);
});
afterAll(() => {
  canary.stop();
  standIn.stop();
});

for (const door of DOORS)
  describe(door.name, () => {
    test("leads to no address that is not public: directly, by redirect, by a changed mind of the resolver", async () => {
      const before = standIn.hits();
      const attempts = attemptsThrough(door, { standIn, canaryPort: canary.port, spellings: SPELLINGS });
      expect(await notRefused(attempts)).toEqual([]);
      expect(canary.connections()).toBe(0);
      expect(standIn.hits()).toBeGreaterThan(before + attempts.length / 3); // the redirects were really given
    }, 30_000);

    test("follows three redirects", async () => {
      const fetch = createSafeFetch({ allowCidrs: () => [`${PUBLIC_ADDRESS}/32`] });
      const thrice = [1, 2, 3].reduce((url) => standIn.redirectTo(url), standIn.origin);
      expect(await door.open(thrice, fetch)).not.toContain("not fetched");
    });

    test("and the canary would tell: where its address is exempt, it is reached", async () => {
      const other = await startCanary();
      const exempt = createSafeFetch({ allowCidrs: () => ["127.0.0.0/8"] });
      await door.open(standIn.redirectTo(`http://127.0.0.1:${other.port}/`), exempt);
      expect(other.connections()).toBeGreaterThan(0);
      other.stop();
    });
  });
