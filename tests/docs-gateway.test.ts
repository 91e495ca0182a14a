import { describe, expect, test } from "bun:test";
import { PermissionFlagsBits } from "@discordjs/core/http-only";
import { parse } from "yaml";
import { webhookRoutes } from "../src/http/webhook/routes.ts";
import { fits as fitsDiscord } from "../src/platforms/discord/render.ts";
import { fits as fitsSlack } from "../src/platforms/slack/render.ts";
import { ALLOWED_UPDATES } from "../src/platforms/telegram/parse.ts";
import { fits as fitsTelegram } from "../src/platforms/telegram/render.ts";
import { startFakeTelegram } from "./fakes/telegram/server.ts";
import { bothLanguages, codesIn, isSlackManifest, rowsOf, sourceOf } from "./support/pages.ts";

const PAGES = [
  "docs/gateway.md",
  "docs/telegram.md",
  "docs/discord.md",
  "docs/slack.md",
  "docs/feishu.md",
  "docs/dingtalk.md",
  "docs/wecom.md",
  "docs/wechat.md",
];

describe("what Hermes says is said in the pages as Hermes says it", () => {
  const source = ["src/gateway", "src/platforms"].map(sourceOf).join("\n");

  /** A message with `...` for what differs. */
  const isSaid = (message: string) => message.split("...").every((piece) => source.includes(piece));

  for (const one of PAGES.flatMap(bothLanguages))
    test(one.path, () => {
      const messages = rowsOf(one).flatMap(([cell = ""]) => /^"(.+)"$/.exec(cell)?.[1] ?? []);
      expect(messages.length).toBeGreaterThan(3);
      expect(messages.filter((message) => !isSaid(message))).toEqual([]);
    });
});

describe("a message is as long as the page says", () => {
  const FITS = { telegram: fitsTelegram, discord: fitsDiscord, slack: fitsSlack };
  for (const [name, fits] of Object.entries(FITS))
    for (const one of bothLanguages(`docs/${name}.md`))
      test(one.path, () => {
        const limits = rowsOf(one).flatMap(
          ([, cell = ""]) => /^([\d,]+) (?:characters|个字符)/.exec(cell)?.[1] ?? [],
        );
        const [limit = 0] = limits.map((text) => Number(text.replace(",", "")));
        expect([limit - 1, limit, limit + 1].map((length) => fits("a".repeat(length)))).toEqual([
          true,
          true,
          false,
        ]);
      });
});

describe("docs/gateway.md", () => {
  const usages = [...sourceOf("src/gateway/receive").matchAll(/usage: "([^"]+)"/g)].map(
    ([, usage = ""]) => usage,
  );
  const addresses = new Set(webhookRoutes("/webhook").map(({ path }) => path));

  for (const one of bothLanguages("docs/gateway.md")) {
    test(`${one.path} lists every command of a chat, and no other`, () => {
      const listed = rowsOf(one).flatMap(([cell = ""]) => /^`(\/[a-z]+(?: [^`]+)?)`$/.exec(cell)?.[1] ?? []);
      expect(listed.length).toBeGreaterThan(8);
      expect(listed.toSorted()).toEqual(usages.toSorted());
    });

    test(`${one.path} names only addresses that answer`, () => {
      const listed = codesIn(one.prose.join("\n")).filter((code) => code.startsWith("/webhook/"));
      expect(listed).toContain("/webhook/slack");
      const isServed = (path: string) =>
        addresses.has(path) || addresses.has(path.replace(/[^/]+$/, ":account"));
      expect(listed.filter((path) => !isServed(path))).toEqual([]);
    });
  }
});

describe("docs/telegram.md", () => {
  for (const { path, blocks } of bothLanguages("docs/telegram.md"))
    test(`${path}: setWebhook leads Telegram to Hermes, and asks for the updates that Hermes reads`, async () => {
      await using telegram = await startFakeTelegram();
      const line = blocks.find(({ code }) => code.includes("/setWebhook"))?.code ?? "";
      const child = Bun.spawn(["bash", "-c", line.replace("https://api.telegram.org", telegram.url)], {
        env: {
          PATH: process.env["PATH"] ?? "",
          TELEGRAM_BOT_TOKEN: telegram.token,
          TELEGRAM_SECRET_TOKEN: "a-secret",
        },
        stdout: "pipe",
        stderr: "ignore",
      });
      expect(JSON.parse(await child.stdout.text())).toEqual({ ok: true, result: true });
      const { allowed_updates: updates, ...rest } = telegram.calls("setWebhook")[0]?.params ?? {};
      expect(rest).toEqual({ url: "https://your-domain.com/webhook/telegram", secret_token: "a-secret" });
      expect(JSON.parse(String(updates))).toEqual([...ALLOWED_UPDATES]);
    });
});

describe("docs/discord.md", () => {
  /** The permissions that the adapter itself names, where one is missing. */
  const named = /"It needs (.+?)\."/.exec(sourceOf("src/platforms/discord"))?.[1]?.split(/, | and /) ?? [];
  const bits = new Map(Object.entries(PermissionFlagsBits).map(([name, bit]) => [name.toLowerCase(), bit]));
  const bitOf = (name: string) =>
    bits.get(name.replace("Channels", "Channel").replaceAll(" ", "").toLowerCase());

  for (const one of bothLanguages("docs/discord.md"))
    test(`${one.path}: the address asks for the permissions of the table, which are those that are used`, () => {
      const permissions = rowsOf(one).flatMap(([name = "", number = ""]) =>
        /^\d+$/.test(number) ? [{ name, bit: BigInt(number) }] : [],
      );
      expect(permissions.map(({ name }) => name).toSorted()).toEqual(named.toSorted());
      expect(permissions.filter(({ name, bit }) => bit !== bitOf(name))).toEqual([]);
      const address = new URL(one.blocks.find(({ code }) => code.includes("/oauth2/authorize"))?.code ?? "");
      expect(address.searchParams.get("scope")).toBe("bot applications.commands");
      const asked = BigInt(address.searchParams.get("permissions") ?? 0);
      expect(asked).toBe(permissions.reduce((sum, { bit }) => sum | bit, 0n));
    });
});

describe("docs/slack.md", () => {
  interface Manifest {
    features: { slash_commands: { url?: string }[] };
    oauth_config: { scopes: { bot: string[] } };
    settings: {
      socket_mode_enabled: boolean;
      event_subscriptions: { bot_events: string[]; request_url?: string };
      interactivity: { request_url?: string };
    };
  }

  /** The scope of every method that the adapter calls (docs.slack.dev/reference/methods); null for those that need none. */
  const SCOPE_OF_METHOD: Readonly<Record<string, string | null>> = {
    "apps.connections.open": null, // of the app-level token
    "assistant.threads.setStatus": "chat:write",
    "auth.test": null,
    "chat.appendStream": "chat:write",
    "chat.delete": "chat:write",
    "chat.postMessage": "chat:write",
    "chat.startStream": "chat:write",
    "chat.stopStream": "chat:write",
    "chat.update": "chat:write",
    "conversations.replies": "channels:history", // or that of the kind of the conversation
    "files.completeUploadExternal": "files:write",
    "files.getUploadURLExternal": "files:write",
    "files.info": "files:read",
    "reactions.": "reactions:write", // `add` and `remove`
  };
  /** The scope of every event (docs.slack.dev/reference/events). */
  const SCOPE_OF_EVENT: Readonly<Record<string, string>> = {
    app_mention: "app_mentions:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "message.mpim": "mpim:history",
  };
  const SLASH_COMMANDS = "commands";
  const WEBHOOK = "https://your-domain.com/webhook/slack";

  const called = sourceOf("src/platforms/slack").matchAll(
    /["`]((?:apps|assistant|auth|chat|conversations|files|reactions|users)\.[\w.]*)(?:"|\$\{)/g,
  );
  const methods = new Set([...called].map(([, method = ""]) => method));

  test("every method that the adapter calls has a known scope", () =>
    expect([...methods].toSorted()).toEqual(Object.keys(SCOPE_OF_METHOD)));

  for (const one of bothLanguages("docs/slack.md")) {
    const manifests = one.blocks.filter(({ code }) => isSlackManifest(code));
    const [socket, http] = manifests.map(({ code }) => parse(code) as Manifest);

    test(`${one.path}: the manifests ask for the scopes that are used, and for no other`, () => {
      const events = Object.keys(SCOPE_OF_EVENT);
      const used = new Set([
        ...Object.values(SCOPE_OF_METHOD),
        ...Object.values(SCOPE_OF_EVENT),
        SLASH_COMMANDS,
      ]);
      const scopes = [...used].filter((scope) => scope !== null).toSorted();
      for (const manifest of [socket, http]) {
        expect(manifest?.settings.event_subscriptions.bot_events).toEqual(events);
        expect(manifest?.oauth_config.scopes.bot).toEqual(scopes);
      }
      const inTable = new Set(rowsOf(one).flatMap((cells) => cells.flatMap(codesIn)));
      expect([...scopes, ...events].filter((name) => !inTable.has(name))).toEqual([]);
    });

    test(`${one.path}: one manifest is for Socket Mode, the other one the same with the addresses of the webhook`, () => {
      expect(manifests.length).toBe(2);
      const { features, settings } = http as Manifest;
      const [command] = features.slash_commands;
      const addresses = [
        command?.url,
        settings.event_subscriptions.request_url,
        settings.interactivity.request_url,
      ];
      expect(addresses).toEqual([WEBHOOK, WEBHOOK, WEBHOOK]);
      delete command?.url;
      delete settings.event_subscriptions.request_url;
      delete settings.interactivity.request_url;
      expect(settings.socket_mode_enabled).toBe(false);
      expect({ ...http, settings: { ...settings, socket_mode_enabled: true } }).toEqual(socket as never);
    });
  }
});
