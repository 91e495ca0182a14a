import { describe, expect, test } from "bun:test";
import { createLimit } from "../../src/lib/limit.ts";

/** Tasks that say when they began and end when they are told to. */
function controlledTasks() {
  const begun: number[] = [];
  const ends = new Map<number, () => void>();
  const task = (n: number) => () => {
    begun.push(n);
    return new Promise<number>((resolve) => ends.set(n, () => resolve(n)));
  };
  return { begun, task, end: (n: number) => ends.get(n)?.() };
}

describe("limit", () => {
  test("lets in as many as it says, the others in order", async () => {
    const limit = createLimit(2);
    const { begun, task, end } = controlledTasks();
    const [first, second, third, fourth] = [1, 2, 3, 4].map((n) => limit(task(n)));
    expect(begun).toEqual([1, 2]);
    end(2);
    expect(await second).toBe(2);
    await Promise.resolve();
    expect(begun).toEqual([1, 2, 3]);
    end(1);
    await first;
    end(3);
    await third;
    expect(begun).toEqual([1, 2, 3, 4]);
    end(4);
    expect(await fourth).toBe(4);
  });

  test("a failing task gives its place back", async () => {
    const limit = createLimit(1);
    await expect(limit(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(await limit(async () => "in")).toBe("in");
  });

  test("one that comes while a place changes hands does not overtake", async () => {
    const limit = createLimit(1);
    const seen: string[] = [];
    const note = (name: string) => limit(async () => void seen.push(name));
    const early = [note("a"), note("b")];
    await early[0];
    await Promise.all([...early, note("c")]);
    expect(seen).toEqual(["a", "b", "c"]);
  });
});
