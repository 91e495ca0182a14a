import { createHmac, timingSafeEqual } from "node:crypto";
import { schemeOf } from "../../src/webhooks/schemes.ts";
import { type Figure, interleave, type Row, summarise } from "../rig.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const BODY = Buffer.from(JSON.stringify({ text: "x".repeat(1024 - '{"text":""}'.length) }));
const AIM_PER_SECOND = 50_000;
/** Between two looks at the clock. */
const BATCH = 500;

/** How often a check can be done in a second of processor time; whatever else the machine does is not counted. */
async function perCpuSecond(check: () => boolean, seconds: number): Promise<number> {
  const start = process.cpuUsage();
  for (let done = BATCH; ; done += BATCH) {
    for (let i = 0; i < BATCH; i++) if (!check()) throw new Error("a genuine webhook was refused");
    const { user, system } = process.cpuUsage(start);
    if (user + system >= seconds * 1e6) return (done * 1e6) / (user + system);
  }
}

/** Verifying a webhook of 1 KB, against the few lines of HMAC that a receiver can do with. */
export const verify: Figure = {
  name: "verify",
  async measure({ rounds, seconds }) {
    const expected = createHmac("sha256", SECRET).update(BODY).digest();
    const bare = () => timingSafeEqual(createHmac("sha256", SECRET).update(BODY).digest(), expected);
    const rows: Row[] = [];
    for (const name of ["hermes", "standard"] as const) {
      const scheme = schemeOf(name);
      const nowMs = Date.now();
      const request = { headers: scheme.sign(BODY, SECRET, { id: "msg_1", nowMs }), body: BODY };
      const ours = () => scheme.verify(request, [SECRET], nowMs).ok;
      const pairs = await interleave(rounds, {
        hermes: () => perCpuSecond(ours, seconds),
        floor: () => perCpuSecond(bare, seconds),
      });
      const rates = summarise(pairs, (rate) => rate);
      rows.push({
        name: `verifying a webhook of 1 KB, ${name}`,
        unit: "/s and core",
        ...rates,
        aim: ">= 50,000/s",
        met: rates.hermes >= AIM_PER_SECOND,
      });
    }
    return rows;
  },
};
