import { expect, test } from "bun:test";
import { createLogQuota } from "../../../src/gateway/worker/log-quota.ts";
import { createLog } from "../../../src/lib/log.ts";

const TOKEN = "123456789:AAF-a-canary-token-of-a-bot-0123456789";

test("a token in what an adapter logs is taken out, wherever in a long text it stands", () => {
  const lines: string[] = [];
  const log = createLog({
    level: "debug",
    format: "json",
    redact: (line) => line.replaceAll(TOKEN, "[redacted]"),
    write: (line) => void lines.push(line),
  });
  for (let at = 1_900; at < 2_100; at += 7) {
    const quota = createLogQuota((level, message, fields) => log[level](message, fields));
    const text = `${"x".repeat(at)}${TOKEN}${"y".repeat(5_000)}`;
    quota("warn", "it failed", { text, error: new Error(text), object: { text } });
  }
  expect(lines.length).toBeGreaterThan(20);
  for (const line of lines) expect(line).not.toContain("123456789:AA");
});

test("lines of debug that nobody wants take no place from a warning", () => {
  let wantsDebug = false;
  const lines: string[] = [];
  const quota = createLogQuota(
    (level, message) => void lines.push(`${level} ${message}`),
    () => wantsDebug,
  );
  const unread = {
    get update(): never {
      throw new Error("made for nobody");
    },
  };
  for (let n = 0; n < 1_000; n++) quota("debug", "update", unread);
  quota("warn", "it failed");
  wantsDebug = true;
  quota("debug", "update", { update: 1 });
  expect(lines).toEqual(["warn it failed", "debug update"]);
});
