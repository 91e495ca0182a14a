import { newId } from "../../lib/ids.ts";
import type { Ending, RunningCommand } from "./command.ts";
import type { Output } from "./output.ts";

/** A command in the background. */
export interface Job {
  id: string;
  /** Nobody else knows of it. */
  principal: string;
  command: string;
  running: RunningCommand;
  output: Output;
  startedAt: number;
  /** Null while it runs. */
  end: { at: number; ending: Ending | null } | null;
}

export interface Jobs {
  /** Keeps a command that was started, also some time after it has ended. */
  add(job: Omit<Job, "id" | "end">): Job;
  /** One's own job; undefined for those of others too. */
  find(principal: string, id: string): Job | undefined;
  list(principal: string): Job[];
}

const KEPT_MS = 30 * 60_000;
/** Of those that have ended, of one principal. */
const KEPT_ENDED = 20;

/** The background commands of all principals, in memory. */
export function createJobs(clock: () => number = Date.now): Jobs {
  const all = new Map<string, Job>();
  const forget = (principal: string) => {
    const ended = [...all.values()]
      .filter((job) => job.principal === principal && job.end !== null)
      .sort((a, b) => (b.end?.at ?? 0) - (a.end?.at ?? 0));
    for (const [i, job] of ended.entries())
      if (i >= KEPT_ENDED || clock() - (job.end?.at ?? 0) > KEPT_MS) all.delete(job.id);
  };
  return {
    add(parts) {
      const job: Job = { ...parts, id: newId("job"), end: null };
      all.set(job.id, job);
      const note = (ending: Ending | null) => {
        job.end = { at: clock(), ending };
      };
      job.running.ended.then(note, () => note(null)); // why it failed is told by whoever started it
      return job;
    },
    find(principal, id) {
      forget(principal);
      const job = all.get(id);
      return job?.principal === principal ? job : undefined;
    },
    list(principal) {
      forget(principal);
      return [...all.values()].filter((job) => job.principal === principal);
    },
  };
}
