import { expect, test } from "bun:test";
import type { AccountSettings } from "../../../src/platforms/contract.ts";
import { TELEGRAM } from "../../../src/platforms/telegram/index.ts";
import { TIMING } from "../../../src/platforms/telegram/timing.ts";
import { account } from "./setup.ts";

test("two tokens of one bot are the same bot", () => {
  const credential = (bot_token: string) => TELEGRAM.credential(account({ bot_token }));
  expect(credential("42:old")).toBe(credential("42:new"));
  expect(credential("42:old")).not.toBe(credential("43:old"));
  expect(credential("strange")).toBe("strange");
});

test("it receives as is configured", () => {
  expect(TELEGRAM.receivesBy(account())).toBe("connection");
  expect(TELEGRAM.receivesBy(account({ mode: "webhook" }))).toBe("webhook");
});

test("an account without a token is refused, and says what to do", async () => {
  const { bot_token: _, ...rest } = account();
  const connecting = TELEGRAM.connect(rest as AccountSettings<"telegram">);
  await expect(connecting).rejects.toMatchObject({
    kind: "unauthorized",
    message: "platforms.telegram.bot_token is missing.",
    hint: "Get one from @BotFather.",
  });
});

test("the adapter can do all that a platform may", async () => {
  expect(Object.keys(await TELEGRAM.connect(account())).toSorted()).toEqual(
    [
      "draft",
      "edit",
      "fetchFile",
      "listen",
      "react",
      "registerCommands",
      "remove",
      "send",
      "typing",
    ].toSorted(),
  );
});

test("it shows life more often than it may be silent", () => {
  const longestPollMs = 50_000 + TIMING.pollGraceMs; // `polling_timeout` is 50 at most
  expect(longestPollMs).toBeLessThan(TELEGRAM.limits.silenceMs);
  expect(TIMING.webhookCheckMs + TIMING.callMs).toBeLessThan(TELEGRAM.limits.silenceMs);
});
