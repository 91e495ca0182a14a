import { describe, expect, test } from "bun:test";
import { PlatformError } from "../../../src/platforms/contract.ts";
import { createAdapter } from "../../../src/platforms/dingtalk/adapter.ts";
import { credentialRefusalOf } from "../../../src/platforms/dingtalk/errors.ts";
import { startFakeDingTalk } from "../../fakes/dingtalk/index.ts";
import { account, adapterOf, createHeard, failureOf, never, startListening } from "./setup.ts";

describe("what cannot work", () => {
  test("credentials that DingTalk does not take are told in words, without them", async () => {
    for (const changes of [{ app_secret: "wrong-secret" }, { app_key: "dingwrong" }]) {
      await using fake = startFakeDingTalk();
      const error = await failureOf(adapterOf(fake, changes).listen?.(createHeard().hooks, never));
      expect(error.kind).toBe("unauthorized");
      expect(error.message).toBe("DingTalk does not accept the app key and the app secret: authFailed.");
      expect(error.hint).toMatch(/凭证与基础信息.*版本管理与发布/);
      expect(`${error.message}${error.hint}`).not.toMatch(/wrong|fake-secret/);
      expect(fake.connections).toBe(0);
    }
  });

  test("the same with calls to the webhook, and for a secret that is changed later", async () => {
    await using listening = await startListening({ changes: { mode: "webhook" } });
    expect(listening.states[0]).toStartWith("connected as");
    await listening.fake.until(() => listening.fake.calls("token").length > 2, "they are tried again");
    listening.fake.changeSecret();
    const error = (await listening.ended) as PlatformError;
    expect([error.kind, error.message]).toEqual([
      "unauthorized",
      "DingTalk does not accept the app key and the app secret: invalidClientIdOrSecret.",
    ]);
    expect(listening.fake.opened).toBe(0);
  });

  test("a server that DingTalk takes no calls from", async () => {
    await using fake = startFakeDingTalk();
    fake.fail("connection", { status: 403, code: "Forbidden.AccessDenied.IpNotInWhiteList" });
    const error = await failureOf(adapterOf(fake).listen?.(createHeard().hooks, never));
    expect(error.kind).toBe("unauthorized");
    expect(error.hint).toMatch(/安全设置/);
  });

  test("no calls left in this month are waited out, and say nothing of the credentials", async () => {
    await using fake = startFakeDingTalk();
    const code = "Forbidden.AccessDenied.ApiCountLimitForOrg";
    fake.fail("connection", { status: 403, code }, 1);
    const heard = createHeard();
    const controller = new AbortController();
    const listening = adapterOf(fake).listen?.(heard.hooks, controller.signal);
    await fake.until(() => heard.states.length === 1, "it says why it waits");
    controller.abort();
    await listening;
    expect(heard.states[0]).toContain(`has used up its calls of DingTalk's API for this month (${code})`);
    const answer = { status: 403, headers: new Headers(), json: { code } };
    expect(credentialRefusalOf(answer)).toMatchObject({ kind: "rate_limited", retryAfterMs: 600_000 });
  });

  test("an account without a key does not connect", () => {
    for (const key of ["app_key", "app_secret"] as const)
      for (const value of [undefined, ""])
        expect(() => createAdapter(account({ [key]: value } as object))).toThrow(
          new PlatformError("unauthorized", `platforms.dingtalk.${key} is missing.`),
        );
  });
});
