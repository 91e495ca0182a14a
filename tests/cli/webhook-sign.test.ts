import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { headersOf } from "../../src/http/webhook/call.ts";
import type { SignedRequest } from "../../src/webhooks/contract.ts";
import { schemeOf } from "../../src/webhooks/schemes.ts";
import { runCommand } from "../support/command.ts";
import { makeHome } from "../support/hermes.ts";

setDefaultTimeout(60_000);

const BODY = '{"it\'s": "a test"}\n';
const CONFIG = `
gateway:
  webhook:
    enabled: true
    secret: secret-of-the-endpoint
    public_url: https://hooks.example.com/webhook
    routes:
      sms: { secret: secret-of-the-route, scheme: twilio }
      shop: { scheme: generic, signature: { header: X-Shop, encoding: base64 } }
`;

let home: string;
beforeAll(() => {
  home = makeHome();
  writeFileSync(join(home, "config.yaml"), CONFIG, { mode: 0o600 });
  writeFileSync(join(home, "body it's.json"), BODY);
  writeFileSync(join(home, "form"), "Body=hi&To=%2B1");
});
afterAll(() => rmSync(home, { recursive: true }));

const sign = (args: string[], env?: Record<string, string>) =>
  runCommand(["webhook", "sign", ...args], { home, stdin: BODY, ...(env && { env }) });
const mac = (secret: string, text: string, encoding: "hex" | "base64" = "hex") =>
  new Bun.CryptoHasher("sha256", secret).update(text).digest(encoding);

describe("hermes webhook sign", () => {
  test("signs a file, or stdin, with the configured secret", async () => {
    const stdout = `x-hermes-signature: sha256=${mac("secret-of-the-endpoint", BODY)}\n`;
    expect(await sign(["body it's.json"])).toEqual({ code: 0, stdout, stderr: "" });
    expect(await sign(["-"])).toEqual({ code: 0, stdout, stderr: "" });
  });

  test("signs as a route says, with its secret and its address", async () => {
    const shop = await sign(["--route", "shop", "-"]);
    expect(shop.stdout).toBe(`x-shop: ${mac("secret-of-the-endpoint", BODY, "base64")}\n`);
    const { stdout } = await sign(["--route", "sms", "--json", "form"]);
    const headers = { "content-type": "application/x-www-form-urlencoded", ...JSON.parse(stdout) };
    const request = {
      headers,
      body: Buffer.from("Body=hi&To=%2B1"),
      url: "https://hooks.example.com/webhook/sms",
    };
    expect(schemeOf("twilio").verify(request, ["secret-of-the-route"], 0).ok).toBe(true);
  });

  test("takes the secret from the environment, and never as an argument", async () => {
    const { stdout } = await sign(["--secret-env", "OTHER", "--scheme", "github", "-"], { OTHER: "another" });
    expect(stdout).toBe(`x-hub-signature-256: sha256=${mac("another", BODY)}\n`);
    expect(await sign(["--secret", "another", "-"])).toMatchObject({ code: 2, stdout: "" });
  });

  test("with --curl prints what a shell can run, whose request is verified", async () => {
    let request: SignedRequest | null = null;
    await using server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      async fetch(received) {
        request = { headers: headersOf(received), body: await received.bytes() };
        return new Response("taken");
      },
    });
    const args = [
      "--scheme",
      "standard",
      "--id",
      "evt_1",
      "--url",
      server.url.href,
      "--curl",
      "body it's.json",
    ];
    const { stdout } = await sign(args);
    const curl = Bun.spawn(["bash", "-c", stdout], { cwd: home, stdout: "pipe", stderr: "ignore" });
    expect(await curl.stdout.text()).toBe("taken");
    const sent: SignedRequest = request ?? { headers: {}, body: Buffer.alloc(0) };
    expect(sent.headers["content-type"]).toBe("application/json");
    const verdict = schemeOf("standard").verify(sent, ["secret-of-the-endpoint"], Date.now());
    expect(verdict).toMatchObject({ ok: true, deliveryId: "evt_1" });
  });

  test("says what it lacks", async () => {
    const wrong: [string[], string][] = [
      [["nothing-here"], "nothing-here cannot be read."],
      [["--route", "constructor", "-"], 'There is no route "constructor".'],
      [["--scheme", "generic", "-"], "A generic signature is described by a route."],
      [["--scheme", "gitlab", "-"], "GitLab signs nothing: its header X-Gitlab-Token is the secret itself."],
      [["--secret-env", "NOT_SET", "-"], "NOT_SET is not set."],
      [["--scheme", "standard", "--id", "a.b", "-"], "The id of a webhook cannot be this."],
      [["--scheme", "twilio", "--url", "https://example.com/?bodySHA256=0", "-"], "Twilio signs the address"],
    ];
    for (const [args, message] of wrong) {
      const { code, stdout, stderr } = await sign(args);
      expect([args, code, stdout]).toEqual([args, 2, ""]);
      expect(stderr).toStartWith(`error: ${message}`);
    }
    writeFileSync(join(home, "none.yaml"), "{}\n", { mode: 0o600 });
    expect((await sign(["--config", "none.yaml", "-"])).stderr).toStartWith("error: There is no secret");
  });
});
