import { expect, setDefaultTimeout, test } from "bun:test";
import { PlatformError } from "../../../src/platforms/contract.ts";
import { type AppRig, startApp } from "./setup.ts";

setDefaultTimeout(30_000);

/** Begins to listen; `ended` tells how that ended. */
function listen({ adapter, heard }: AppRig) {
  const controller = new AbortController();
  const ended = Promise.resolve(adapter.listen?.(heard.hooks, controller.signal)).then(
    () => "stopped",
    (error: unknown) => error,
  );
  return { ended, stop: () => controller.abort() };
}

test("tells which application it is, and goes on looking", async () => {
  await using app = startApp();
  const { ended, stop } = listen(app);
  await app.wecom.until(() => app.heard.signs >= 2, "it has looked again");
  expect(app.heard.states).toEqual(["connected as 小助手 (1000002)"]);
  stop();
  expect(await ended).toBe("stopped");
});

test("says that WeCom cannot be reached, and when it can be again", async () => {
  await using app = startApp();
  const { ended, stop } = listen(app);
  await app.wecom.until(() => app.heard.states.length === 1, "it is connected");
  await app.wecom.goOffline();
  await app.wecom.until(() => app.heard.states.length >= 2, "it says so");
  app.wecom.goOnline();
  await app.wecom.until(() => app.heard.states.at(-1)?.startsWith("connected") ?? false, "it is back");
  expect(app.heard.states[1]).toStartWith("WeCom cannot be reached");
  stop();
  expect(await ended).toBe("stopped");
});

test.each([
  [40001, "secret"],
  [40013, "corp_id"],
  [60020, "可信IP"],
  [301002, "agent_id"],
] as const)("gives up for %d, with a word on what to change", async (errcode, word) => {
  await using app = startApp();
  app.wecom.fail("gettoken", { errcode, times: 10 });
  const error = await listen(app).ended;
  expect(error).toBeInstanceOf(PlatformError);
  expect(error).toMatchObject({ kind: "unauthorized", hint: expect.stringContaining(word) });
});

test("notices that its secret was changed", async () => {
  await using app = startApp();
  const { ended } = listen(app);
  await app.wecom.until(() => app.heard.states.length === 1, "it is connected");
  app.wecom.revoke();
  expect(await ended).toMatchObject({ kind: "unauthorized" });
});
