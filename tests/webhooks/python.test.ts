import { expect, test } from "bun:test";
import { join } from "node:path";
import fc from "fast-check";
import { judge, NOW_MS, SENDERS } from "./senders.ts";

const COMPARED = SENDERS.filter(({ name }) => name !== "generic, body only");

const cases = fc.sample(
  fc.record({
    sender: fc.constantFrom(...COMPARED),
    secret: fc.string({ unit: "grapheme", minLength: 1 }).filter((text) => text.trim() !== ""),
    n: fc.nat(),
    text: fc.string({ unit: "grapheme" }),
    atMs: fc.integer({ min: NOW_MS - 300_000, max: NOW_MS + 300_000 }),
  }),
  { numRuns: 400, seed: 6 },
);

/** What each signs: its own kind of body, with any text in it. */
function bodyOf({ sender, n, text, atMs }: (typeof cases)[number]): string {
  return sender.scheme.name === "twilio"
    ? new URLSearchParams({ MessageSid: `SM${n}`, Body: text }).toString()
    : JSON.stringify({ n, text, webhookTimestamp: atMs });
}

test("Python signs the same as we do, byte for byte, and we take what it signs", () => {
  const jobs = cases.map((one) => {
    const { sender, n, atMs } = one;
    const secret = sender.secret.startsWith("whsec_") ? sender.secret : one.secret;
    const address = sender.url === undefined ? {} : { url: sender.url };
    return { sender, secret, body: Buffer.from(bodyOf(one)), id: `msg_${n}`, atMs, address };
  });
  const input = jobs.map(({ sender, secret, body, id, atMs, address }) => ({
    scheme: sender.scheme.name,
    secret,
    body: body.toString("base64"),
    id,
    seconds: Math.floor(atMs / 1000),
    ...address,
  }));
  const python = Bun.spawnSync(["python3", join(import.meta.dir, "sign.py")], {
    stdin: Buffer.from(JSON.stringify(input)),
  });
  expect(python.stderr.toString()).toBe("");
  const theirs: Record<string, string>[] = JSON.parse(python.stdout.toString());
  expect(theirs).toHaveLength(jobs.length);
  const seen = new Set<string>();
  for (const [i, { sender, secret, body, id, atMs, address }] of jobs.entries()) {
    const signed = theirs[i] ?? {};
    expect(sender.scheme.sign(body, secret, { id, nowMs: atMs, ...address })).toEqual(signed);
    const headers = { "content-type": sender.contentType, ...signed };
    expect(judge(sender, { headers, body, ...address }, { secrets: [secret] }).ok).toBe(true);
    seen.add(sender.name);
  }
  expect(seen.size).toBe(COMPARED.length);
});
