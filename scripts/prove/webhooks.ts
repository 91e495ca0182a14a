// Proves that no forged or replayed webhook is taken: any byte of body, id, time and signature changed, headers missing, blank,
// doubled and spelt otherwise, 301 seconds old or ahead, without a secret or with another, signed by another scheme.
import { parseArgs } from "node:util";
import fc from "fast-check";
import { FORGERY_KINDS, forgery, isTaken } from "../../tests/webhooks/forgeries.ts";
import { judge, NOW_MS, SENDERS, signed } from "../../tests/webhooks/senders.ts";
import { createVerdict, readCount } from "./verdict.ts";

const { values: options } = parseArgs({
  options: { requests: { type: "string", default: "100000" }, seed: { type: "string" } },
});
const verdict = createVerdict("no forged or replayed webhook is taken");
const requests = readCount(options.requests, "requests");
const seed = options.seed === undefined ? Date.now() % 2 ** 31 : readCount(options.seed, "seed");
verdict.figure("seed", seed);

let taken = 0;
const byKind = new Map<string, number>();
const byScheme = new Map<string, number>();
const count = (counts: Map<string, number>, name: string) => counts.set(name, (counts.get(name) ?? 0) + 1);
const result = fc.check(
  fc.property(forgery, (one) => {
    count(byKind, one.kind);
    count(byScheme, one.sender.name);
    if (!isTaken(one)) return true;
    taken += 1;
    verdict.violation(`${one.sender.name} took a request although ${one.kind}`);
    return true;
  }),
  { numRuns: requests, seed },
);
if (result.failed) verdict.violation(`a check threw: ${fc.defaultReportMessage(result)}`);
for (const [name, made] of [...byScheme].sort()) verdict.figure(`forged requests to ${name}`, made);
verdict.figure("forged requests", requests);
verdict.figure("kinds of forgery", byKind.size);
verdict.figure("taken", taken);
if (byKind.size < FORGERY_KINDS || byScheme.size < SENDERS.length)
  verdict.violation("not every kind was tried");

// What proves something is that the genuine ones are taken.
const genuine = SENDERS.flatMap((sender) =>
  Array.from({ length: 100 }, (_, n) => judge(sender, signed(sender, n, NOW_MS))),
);
const refused = genuine.filter(({ ok }) => !ok).length;
verdict.figure("genuine requests", genuine.length);
if (refused > 0) verdict.violation(`${refused} genuine requests were refused`);
process.exit(verdict.exitCode());
