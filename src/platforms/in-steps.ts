import { setNewest } from "../lib/newest.ts";

/** Does the steps of a message one after another; resolves to what came of each. */
export type InSteps<Result> = (
  id: string,
  steps: readonly (() => Promise<Result>)[],
) => Promise<readonly Result[]>;

const MAX_UNFINISHED = 100;

/**
 * For messages that are several calls, such as a text and its files: when a step fails, the next try of the same message goes on
 * with it, and nothing is sent twice.
 */
export function createInSteps<Result>(): InSteps<Result> {
  const unfinished = new Map<string, Result[]>();
  return async (id, steps) => {
    const results = unfinished.get(id) ?? [];
    setNewest(unfinished, id, results, MAX_UNFINISHED);
    for (const step of steps.slice(results.length)) results.push(await step());
    unfinished.delete(id);
    return results;
  };
}
