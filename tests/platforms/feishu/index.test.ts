import { expect, test } from "bun:test";
import { FEISHU } from "../../../src/platforms/feishu/index.ts";
import { loadPlatform } from "../../../src/platforms/registry.ts";
import { startFakeFeishu } from "../../fakes/feishu/index.ts";
import { failureOf, live, outbound, settingsOf } from "./setup.ts";

test("an account receives by the long connection unless it says otherwise, and is told apart by its app", async () => {
  await using fake = startFakeFeishu();
  expect(await loadPlatform("feishu")).toMatchObject({ id: "feishu", title: "Feishu" });
  expect(FEISHU.receivesBy(settingsOf(fake))).toBe("connection");
  expect(FEISHU.receivesBy(settingsOf(fake, { mode: "webhook" }))).toBe("webhook");
  expect(FEISHU.credential(settingsOf(fake, { app_secret: "changed" }))).toBe(fake.appId);
});

test("what is watched is seen before the connection counts as dead", () => {
  // Pings are three minutes apart at most, and an answer has half a minute.
  expect(FEISHU.limits.silenceMs).toBeGreaterThan(180_000 + 30_000);
});

test("connecting waits for no network, and says in words what is missing", async () => {
  await using fake = startFakeFeishu();
  const adapter = await FEISHU.connect(settingsOf(fake));
  expect(fake.calls()).toEqual([]);
  expect(Object.keys(adapter).sort()).toEqual([
    "edit",
    "fetchFile",
    "listen",
    "react",
    "remove",
    "send",
    "webhook",
  ]);
  await adapter.send(outbound("hello"), live());
  expect(fake.sent().map(fake.read)).toEqual(["hello"]);
  const { kind, hint } = await failureOf(FEISHU.connect(settingsOf(fake, { app_secret: undefined })));
  expect(kind).toBe("unauthorized");
  expect(hint).toContain("凭证与基础信息");
});
