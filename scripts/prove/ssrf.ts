// Proves that nothing which a user, a model or a page chooses leads to an address that is not public: every special address in
// every known spelling, directly, by redirect and by a resolver that changes its mind, through web_extract, attachments and the
// redirects of a search provider.
import { createSafeFetch } from "../../src/lib/safe-fetch.ts";
import { startCanary } from "../../tests/support/canary.ts";
import { attemptsThrough, DOORS, notRefused } from "../../tests/support/ssrf.ts";
import { startStandIn } from "../../tests/support/stand-in.ts";
import { createVerdict } from "./verdict.ts";

const verdict = createVerdict("no chosen address leads to one that is not public");
const canary = await startCanary();
const standIn = await startStandIn();

let tries = 0;
for (const door of DOORS) {
  const attempts = attemptsThrough(door, { standIn, canaryPort: canary.port });
  tries += attempts.length;
  for (const wrong of await notRefused(attempts)) verdict.violation(wrong);
  verdict.figure(`tries through ${door.name}`, attempts.length);
}
verdict.figure("tries in all", tries);
verdict.figure("redirects that were really given", standIn.hits());
verdict.figure("connections to the canary", canary.connections());
if (canary.connections() > 0) verdict.violation(`${canary.connections()} connections to the canary`);

// The canary would tell: where its address is exempt, every door leads to it.
const exempt = createSafeFetch({ allowCidrs: () => ["127.0.0.0/8"] });
for (const door of DOORS) {
  const before = canary.connections();
  await door.open(standIn.redirectTo(`http://127.0.0.1:${canary.port}/`), exempt);
  if (canary.connections() === before)
    verdict.violation(`${door.name} cannot reach the canary at all: it proves nothing`);
}

standIn.stop();
canary.stop();
process.exit(verdict.exitCode());
