import { expect, test } from "bun:test";
import { createTokenCache, withToken } from "../../src/platforms/token-cache.ts";

const live = () => new AbortController().signal;

/** A source of tokens that answers when it is told to. */
function source(lifetimeMs = 7_200_000) {
  const asked: PromiseWithResolvers<void>[] = [];
  const request = async () => {
    const asking = Promise.withResolvers<void>();
    asked.push(asking);
    const number = asked.length;
    await asking.promise;
    return { token: `token ${number}`, lifetimeMs };
  };
  return { asked, request };
}

test("asks once for everybody who waits, and keeps the token", async () => {
  const { asked, request } = source();
  const tokens = createTokenCache(request);
  const waiting = [tokens.get(live()), tokens.get(live()), tokens.get(live())];
  asked[0]?.resolve();
  expect(await Promise.all(waiting)).toEqual(["token 1", "token 1", "token 1"]);
  expect(await tokens.get(live())).toBe("token 1");
  expect(asked).toHaveLength(1);
});

test("takes a new one shortly before the old one expires, and a tenth of a short life before", async () => {
  for (const [lifetimeMs, lastMs] of [
    [7_200_000, 6_900_000],
    [100_000, 90_000],
  ] as const) {
    let nowMs = 0;
    let count = 0;
    const tokens = createTokenCache(
      async () => ({ token: `token ${++count}`, lifetimeMs }),
      () => nowMs,
    );
    expect(await tokens.get(live())).toBe("token 1");
    nowMs = lastMs - 1;
    expect(await tokens.get(live())).toBe("token 1");
    nowMs = lastMs;
    expect(await tokens.get(live())).toBe("token 2");
  }
});

test("asks again after a failure, and rejects all who waited for it", async () => {
  const { asked, request } = source();
  const tokens = createTokenCache(request);
  const waiting = Promise.allSettled([tokens.get(live()), tokens.get(live())]);
  asked[0]?.reject(new Error("busy"));
  expect((await waiting).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  const again = tokens.get(live());
  asked[1]?.resolve();
  expect(await again).toBe("token 2");
});

test("who gives up does not end the request of the others", async () => {
  const { asked, request } = source();
  const tokens = createTokenCache(request);
  const impatient = new AbortController();
  const gone = tokens.get(impatient.signal);
  const patient = tokens.get(live());
  impatient.abort(new Error("enough"));
  await expect(gone).rejects.toThrow("enough");
  asked[0]?.resolve();
  expect(await patient).toBe("token 1");
});

test("drops only the token that was refused", async () => {
  let count = 0;
  const tokens = createTokenCache(async () => ({ token: `token ${++count}`, lifetimeMs: 1_000_000 }));
  const first = await tokens.get(live());
  tokens.drop(first);
  const second = await tokens.get(live());
  tokens.drop(first);
  expect(await tokens.get(live())).toBe(second);
});

test("makes a call with a refused token once more, and no third time", async () => {
  let count = 0;
  const tokens = createTokenCache(async () => ({ token: `token ${++count}`, lifetimeMs: 1_000_000 }));
  const refusal = new Error("refused");
  const isRefused = (error: unknown) => error === refusal;
  const used: string[] = [];
  const call = (refusals: number) =>
    withToken(
      tokens,
      async (token) => {
        used.push(token);
        if (used.length <= refusals) throw refusal;
        return token;
      },
      isRefused,
      live(),
    );
  expect(await call(1)).toBe("token 2");
  expect(used).toEqual(["token 1", "token 2"]);
  used.length = 0;
  await expect(call(2)).rejects.toBe(refusal);
  expect(used).toEqual(["token 2", "token 3"]);
});

test("a call that fails in another way is not made again", async () => {
  const tokens = createTokenCache(async () => ({ token: "token", lifetimeMs: 1_000_000 }));
  let calls = 0;
  const failing = withToken(
    tokens,
    async () => {
      calls += 1;
      throw new Error("something else");
    },
    () => false,
    live(),
  );
  await expect(failing).rejects.toThrow("something else");
  expect(calls).toBe(1);
});
