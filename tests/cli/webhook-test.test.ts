import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type FakeLlm, startFakeLlm } from "../../src/models/fake-llm/server.ts";
import { runCommand } from "../support/command.ts";
import { type Hermes, makeHome, startHermes, testConfig } from "../support/hermes.ts";
import { signature, type Told } from "../support/hooks.ts";

setDefaultTimeout(60_000);
const SECRET = "a-secret-of-events-in-this-test-0123";

let llm: FakeLlm;
let hermes: Hermes;
beforeAll(async () => {
  llm = startFakeLlm({ port: 0 });
  const settings = testConfig(llm.url.replace(/\/v1$/, ""), "echo");
  const routes = {
    ask: { sync: true, prompt: "Say {{payload.test}}." },
    lab: { scheme: "gitlab" },
    picky: { filter: "@.payload.action == 'opened'" },
    broken: { model: "fake/401" },
  };
  hermes = await startHermes({
    config: { ...settings, gateway: { webhook: { secret: SECRET, routes } } },
    args: ["gateway", "--webhook", "--port", "0"],
  });
});
afterAll(async () => {
  await hermes.remove();
  await llm.stop();
});

const send = (args: string[] = [], options: { stdin?: string; env?: Record<string, string> } = {}) =>
  runCommand(["webhook", "test", ...args], { home: hermes.home, ...options });

describe("hermes webhook test", () => {
  test("finds the Hermes of its home, and shows the event from the request to the answer", async () => {
    const { code, stdout, stderr } = await send();
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^POST http:\/\/127\.0\.0\.1:\d+\/webhook$/m);
    expect(stdout).toMatch(/^ {2}x-hermes-signature: sha256=[0-9a-f]{64}$/m);
    expect(stdout).toMatch(/^ {2}\{"test":true,"id":"test_\w+"\}$/m);
    expect(stdout).toMatch(/^202\n {2}\{"event_id":"evt_[\w-]+","run_id":"run_\w+","status":"received"\}$/m);
    expect(stdout).toMatch(/^completed {2}after \d+ ms\n {2}An event has come to the webhook:/m);
  });

  test("sends to a route, as that is signed and answered", async () => {
    const { code, stdout } = await send(["--route", "ask", "--json"]);
    const shown = JSON.parse(stdout);
    expect(code).toBe(0);
    expect(shown.request.url).toMatch(/\/webhook\/ask$/);
    expect(shown.response).toMatchObject({
      status: 200,
      body: { status: "done", response: expect.any(String) },
    });
    expect(shown.life).toMatchObject({ isDone: true, steps: [{ status: "completed" }] });
  });

  test("never shows the secret, not even where that is what is sent", async () => {
    const { code, stdout, stderr } = await send(["--route", "lab"]);
    expect([code, stdout.includes(SECRET), stderr]).toEqual([0, false, ""]);
    expect(stdout).toContain("x-gitlab-token: ***");
  });

  test("sends the bytes of a file as they are", async () => {
    const { code, stdout } = await send(["--data", "-"], { stdin: "\ufeff{}" });
    expect([code, stdout]).toEqual([1, expect.stringMatching(/^400\n.*malformed_json/m)]);
  });

  test("takes a body of one's own, and tells when it was left out or came before", async () => {
    const left = await send(["--route", "picky", "--data", "-"], { stdin: '{"action":"closed"}' });
    expect([left.code, left.stdout]).toEqual([0, expect.stringContaining('"status":"ignored"')]);
    await send(["--data", "-"], { stdin: '{"n":1}' });
    const again = await send(["--data", "-"], { stdin: '{"n":1}' });
    expect([again.code, again.stdout]).toEqual([0, expect.stringContaining('"duplicate":true')]);
  });

  test("fails when the event is refused, when its run fails, and when nobody is there", async () => {
    const refused = await send(["--secret-env", "OTHER"], { env: { OTHER: "another-secret-0123456789" } });
    expect(refused.code).toBe(1);
    expect(refused.stdout).toMatch(/^401$/m);
    expect(refused.stderr).toContain("error: The event was refused: This event is not signed");
    expect(refused.stderr).toContain("hint: Send the header X-Hermes-Signature");
    const failed = await send(["--route", "broken"]);
    expect([failed.code, failed.stderr]).toEqual([
      1,
      expect.stringContaining("The event is not done: failed"),
    ]);
    expect(failed.stdout).toMatch(/^failed {5}after/m);
    const nobody = await send(["--url", "http://127.0.0.1:9/webhook"]);
    expect([nobody.code, nobody.stderr]).toEqual([1, expect.stringContaining("hermes gateway --webhook")]);
  });

  test("needs a secret, and a route that is there", async () => {
    const home = makeHome();
    const bare = await runCommand(["webhook", "test"], { home });
    expect([bare.code, bare.stderr]).toEqual([2, expect.stringContaining("There is no secret to sign with")]);
    const unknown = await send(["--route", "nobody"]);
    expect([unknown.code, unknown.stderr]).toEqual([
      2,
      expect.stringContaining('There is no route "nobody"'),
    ]);
  });
});

describe("hermes gateway --webhook", () => {
  const start = (config: object) =>
    startHermes({
      config: { ...testConfig(llm.url.replace(/\/v1$/, ""), "echo"), ...config },
      args: ["gateway", "--webhook", "--port", "0"],
    });

  test("without a secret is an error of the configuration", async () => {
    const failure = await start({}).then(
      () => null,
      (error: Error) => error.message,
    );
    expect(failure).toContain("ended with code 78");
    expect(failure).toContain("gateway.webhook.secret is missing: anybody could send events");
  });

  test("needs no platform, and what was taken is done after a kill", async () => {
    const webhook = { secret: SECRET, routes: { slow: { model: "fake/first-1500" } } };
    await using stack = new AsyncDisposableStack();
    const other = await start({ gateway: { webhook } });
    stack.defer(() => other.remove());
    const deliver = async () => {
      const body = '{"n":1}';
      const headers = { "content-type": "application/json", ...signature(body, SECRET, { id: "msg_1" }) };
      const answer = await fetch(`${other.service.url}/webhook/slow`, { method: "POST", body, headers });
      return { ...((await answer.json()) as Told), httpStatus: answer.status };
    };
    const first = await deliver();
    expect(first.httpStatus).toBe(202);
    await other.service.kill();
    await other.restart();
    let again = await deliver();
    while (again.status !== "done") again = await Bun.sleep(50).then(deliver);
    expect(again).toMatchObject({ httpStatus: 200, duplicate: true, run_id: first.run_id });
  });
});
