import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createFileOpener, extractFiles } from "../../../src/gateway/deliver/files.ts";
import { PlatformError } from "../../../src/platforms/contract.ts";
import type { Caller } from "../../../src/tools/contract.ts";
import { says, scriptedModels } from "../../fakes/scripted-model.ts";
import { openTestAgent, type TestAgent } from "../../support/agent.ts";
import { openToyGateway } from "../../support/chat.ts";

describe("files named in an answer", () => {
  const cases: [string, string, string, string[]][] = [
    ["none", "hello\nMEDIA is a word", "hello\nMEDIA is a word", []],
    ["one", "Here it is:\nMEDIA: out/plot.png", "Here it is:", ["out/plot.png"]],
    ["two, and text after them", "a\nMEDIA: x.png\nMEDIA: `y z.pdf`\nb", "a\nb", ["x.png", "y z.pdf"]],
    ["in a code block it is text", "```\nMEDIA: x.png\n```", "```\nMEDIA: x.png\n```", []],
    ["behind a code block", "```\nx\n```\nMEDIA: x.png", "```\nx\n```", ["x.png"]],
    ["within a sentence it is text", "write MEDIA: x.png", "write MEDIA: x.png", []],
  ];
  for (const [what, answer, text, paths] of cases)
    test(what, () => expect(extractFiles(answer)).toEqual({ text, paths }));

  test("a line however long is gone through once", () => {
    const spaces = " ".repeat(300_000); // in quadratic time, minutes
    expect(extractFiles(`${spaces}MEDIA: a${spaces}b${spaces}`).paths).toEqual([`a${spaces}b`]);
  });
});

describe("opening them", () => {
  const caller: Caller = { door: "gateway", principal: "telegram:1", scopes: ["read", "chat", "tools"] };
  let home: string;
  let agent: TestAgent;
  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), "hermes-files-"));
    mkdirSync(join(home, "workspace"));
    writeFileSync(join(home, "workspace/plot.png"), Buffer.from("89504e470d0a1a0a", "hex"));
    writeFileSync(join(home, "secret"), "canary");
    symlinkSync(join(home, "secret"), join(home, "workspace/link"));
    agent = await openTestAgent({ models: scriptedModels([says("x")]) });
  });
  afterAll(async () => {
    await agent[Symbol.asyncDispose]();
    rmSync(home, { recursive: true });
  });

  test("one below a root", async () => {
    const open = createFileOpener(agent.config, home, agent.tools);
    const file = await open("plot.png", caller, 100);
    expect(await file.read()).toEqual({
      name: "plot.png",
      mediaType: "image/png",
      bytes: Buffer.from("89504e470d0a1a0a", "hex"),
    });
  });

  for (const path of ["../secret", "link", "/etc/passwd", "/proc/self/environ", "nothing", "."])
    test(`not ${path}`, async () => {
      const open = createFileOpener(agent.config, home, agent.tools);
      expect(open(path, caller, 100)).rejects.toThrow();
    });

  test("none that is too large, and none for callers that may read no files", async () => {
    const open = createFileOpener(agent.config, home, agent.tools);
    expect(open("plot.png", caller, 4)).rejects.toThrow("8 bytes");
    expect(open("plot.png", { ...caller, tools: ["memory"] }, 100)).rejects.toThrow("cannot be read here");
    expect(open("plot.png", { ...caller, scopes: ["chat"] }, 100)).rejects.toThrow("cannot be read here");
    expect(open("plot.png", undefined, 100)).rejects.toThrow("cannot be read here");
  });
});

test("a file that is too large by the time it is sent is not read", async () => {
  const models = scriptedModels([says("MEDIA: growing.bin")]);
  const config = { gateway: { max_file_bytes: 1_000 } };
  await using gateway = await openToyGateway({ models, config });
  const { chat, store } = gateway;
  const workspace = join(dirname(store.path), "workspace");
  mkdirSync(workspace, { recursive: true });
  writeFileSync(join(workspace, "growing.bin"), "small");
  chat.failures.push({
    name: "send",
    file: "growing.bin",
    error: new PlatformError("unavailable", "Later."),
  });
  await gateway.write("send it");
  await chat.until(() => chat.failures.length === 0);
  writeFileSync(join(workspace, "growing.bin"), "x".repeat(1_001));
  await chat.until(() => chat.messages("1").length === 1);
  expect(chat.messages("1")[0]?.text).toContain("1001 bytes; 1000 are the most");
}, 20_000);

test("an answer whose file the platform refuses is sent all the same, and says so in the chat", async () => {
  const models = scriptedModels([says("请看图。\nMEDIA: plot.png")]);
  await using gateway = await openToyGateway({ models });
  const { chat, store } = gateway;
  const workspace = join(dirname(store.path), "workspace");
  mkdirSync(workspace, { recursive: true });
  writeFileSync(join(workspace, "plot.png"), Buffer.from("89504e470d0a1a0a", "hex"));
  chat.failures.push({ name: "send", file: "plot.png", error: new PlatformError("refused", "Too large.") });
  await gateway.write("画一张图");
  await chat.until(() => chat.messages("1").length === 2);
  expect(chat.messages("1").map(({ text }) => text)).toEqual([
    "请看图。",
    "⚠️ `plot.png` 未能发送：平台拒绝了它（`Too large.`）。",
  ]);
  await gateway.deliverer.stop(Promise.resolve());
  const { items } = await store.deliveries.list({ limit: 10 });
  expect(items).toMatchObject([{ status: "sent", parts: [{}, {}] }]);
});
