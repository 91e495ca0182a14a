import { expect, test } from "bun:test";
import { join } from "node:path";

const REGISTRY = join(import.meta.dir, "../../src/platforms/registry.ts");
/** Packages that are made for one platform. */
const SDK =
  /^(?:grammy|@grammyjs|@discordjs|discord-api-types|@slack|@larksuiteoapi|dingtalk-stream|@wecom)\b/;
/** Those that an account of each platform needs. The others are spoken by clients of our own. */
const OWN: Readonly<Record<string, RegExp | null>> = {
  telegram: /^(?:grammy|@grammyjs)\b/,
  discord: /^(?:@discordjs|discord-api-types)\b/,
  slack: /^@slack\b/,
  dingtalk: null,
  feishu: null,
  wecom: null,
  wechat: null,
};
const ACCOUNT = {
  bot_token: "1:a",
  signing_secret: "a",
  app_key: "a",
  app_secret: "b",
  app_id: "c",
  token: "d",
  bot_id: "e",
  bot_secret: "f",
  domain: "feishu",
  allowed_users: [],
};

/** The packages that a process has loaded once the adapter of a platform is made. */
async function loadedBy(id: string): Promise<string[]> {
  const script = `
    const { loadPlatform } = await import(${JSON.stringify(REGISTRY)});
    const platform = await loadPlatform(${JSON.stringify(id)});
    await platform.connect(${JSON.stringify(ACCOUNT)});
    console.log(JSON.stringify(Object.keys(require.cache)));`;
  const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "inherit" });
  const [output, code] = await Promise.all([child.stdout.text(), child.exited]);
  expect(code).toBe(0);
  const names = (JSON.parse(output) as string[]).map(
    (path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? "",
  );
  return [...new Set(names)].filter((name) => name !== "");
}

test.each(Object.keys(OWN))("%s loads no package that is made for another platform", async (id) => {
  const sdks = (await loadedBy(id)).filter((name) => SDK.test(name));
  const own = OWN[id];
  expect(sdks.filter((name) => !own?.test(name))).toEqual([]);
  expect(sdks.length > 0).toBe(own !== null); // so that what is looked for would be seen
});
