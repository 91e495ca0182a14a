import { residentMb } from "../../bench/rig.ts";
import { openSession, postLegacy } from "../../tests/support/mcp.ts";
import { inLanes, type Part, serveMcp } from "./mcp-world.ts";

const CAP = 1_000;
const LANES = 16;
const MAX_GROWTH_MB = 60;
const MAX_LEFT_SHARE = 0.1;
/** What a process that has just started still grows by, whatever it does: code that is compiled, buffers that are kept. */
const WARM_UP_MB = 20;
/** Sessions that are opened and given up before the start is measured: what Hermes loads once is no growth. */
const WARM_UP = 1_000;

/** Clients that begin and never come back: their sessions are limited in number and in time, and so is what they cost. */
export async function proveSessions(part: Part): Promise<void> {
  await proveCap(part);
  await proveTtl(part);
}

/** Opens sessions that nobody uses any more; their ids, in the order in which they were opened. */
async function abandon(url: URL, count: number): Promise<string[]> {
  const ids: string[] = [];
  await inLanes(LANES, Array(count).keys(), async () => {
    ids.push(await openSession(url));
  });
  return ids;
}

async function alive(url: URL, ids: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  await inLanes(LANES, ids, async (session) => {
    const answer = await postLegacy(url, { id: 1, method: "ping" }, { session });
    await answer.text();
    if (answer.status === 200) found.push(session);
  });
  return found;
}

async function proveCap({ verdict, short }: Part): Promise<void> {
  const count = short ? 3_000 : 20_000;
  const hermes = await serveMcp({ max_sessions: CAP });
  try {
    await abandon(hermes.url, WARM_UP);
    const startMb = residentMb(hermes.service.pid);
    const ids = await abandon(hermes.url, count);
    const growthMb = residentMb(hermes.service.pid) - startMb;
    const left = await alive(hermes.url, ids);
    verdict.figure("abandoned sessions", count);
    verdict.figure(`of them alive, where ${CAP} are the most`, left.length);
    verdict.figure("growth of memory with the cap, MB", `${growthMb.toFixed(1)} from ${startMb.toFixed(1)}`);
    if (left.length !== CAP) verdict.violation(`${left.length} sessions are alive, not ${CAP}`);
    // Sessions that are opened at the same moment may end in either order.
    const newest = new Set(ids.slice(-CAP - LANES));
    for (const id of left)
      if (!newest.has(id)) verdict.violation(`an older session outlived newer ones: ${id}`);
    if (growthMb > MAX_GROWTH_MB) verdict.violation(`memory grew by ${growthMb.toFixed(1)} MB under the cap`);
  } finally {
    await hermes.remove();
  }
}

async function proveTtl({ verdict, short }: Part): Promise<void> {
  const count = short ? 3_000 : 20_000;
  const ttlMs = short ? 5_000 : 45_000;
  const hermes = await serveMcp({ max_sessions: 1_000_000, session_ttl_ms: ttlMs });
  try {
    await abandon(hermes.url, WARM_UP);
    const startMb = residentMb(hermes.service.pid);
    const began = performance.now();
    const ids = await abandon(hermes.url, count);
    const peakMb = residentMb(hermes.service.pid);
    const openMs = performance.now() - began;
    // The sweep comes four times in a TTL; one more for memory to be given back.
    await Bun.sleep(1.5 * ttlMs + 1_000);
    const left = await alive(hermes.url, ids);
    const endMb = residentMb(hermes.service.pid);
    verdict.figure(
      "sessions opened without a cap, and the seconds that took",
      `${count}, ${(openMs / 1000).toFixed(1)}`,
    );
    verdict.figure(
      "memory at the start, at the peak, after the TTL, MB",
      [startMb, peakMb, endMb].map((mb) => mb.toFixed(1)).join(", "),
    );
    if (left.length > 0) verdict.violation(`${left.length} sessions have outlived their TTL`);
    if (endMb > startMb + Math.max(WARM_UP_MB, startMb * MAX_LEFT_SHARE))
      verdict.violation(`memory did not come back: ${startMb.toFixed(1)} MB, then ${endMb.toFixed(1)}`);
  } finally {
    await hermes.remove();
  }
}
