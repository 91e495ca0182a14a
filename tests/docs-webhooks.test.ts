import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";
import { type Hermes, type Service, startFakeLlm, startHermes, testConfig } from "./support/hermes.ts";
import { page } from "./support/pages.ts";

setDefaultTimeout(120_000);

const SECRET = "a secret with spaces, und ümläuten";
const directory = mkdtempSync(join(tmpdir(), "hermes-receivers-"));
const { blocks } = page("docs/webhooks.md");

/** A receiver of the page, running. */
interface Receiver {
  url: string;
  /** What it has printed or written of events. */
  events(): string;
  stop(): Promise<unknown>;
}

/** The receiver in a language, as it stands in the page. */
function source(language: string): string {
  const found = blocks.filter(
    (block) => block.language === language && block.code.includes("HERMES_WEBHOOK_OUTBOUND"),
  );
  const [block, second] = found;
  if (block === undefined || second !== undefined)
    throw new Error(`the page has not one receiver in ${language}`);
  return block.code;
}

/** A port that nobody has at this moment. */
function freePort(): number {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
  const { port = 0 } = server;
  void server.stop(true);
  return port;
}

/** Writes a program of the page down, with another port than it names. */
function writeProgram(language: string, file: string, ownPort: number): { path: string; port: number } {
  const port = freePort();
  const code = source(language);
  expect(code).toContain(String(ownPort));
  const path = join(directory, file);
  writeFileSync(path, code.replace(String(ownPort), String(port)));
  return { path, port };
}

/** Starts a program, and waits until it listens. */
async function startProgram(command: readonly string[], port: number): Promise<Receiver> {
  const child = Bun.spawn([...command], {
    cwd: directory,
    env: {
      PATH: process.env["PATH"] ?? "",
      HERMES_WEBHOOK_OUTBOUND_SECRET: SECRET,
      PYTHONIOENCODING: "utf-8",
    },
    stdout: "pipe",
    stderr: "ignore",
  });
  let printed = "";
  const decoder = new TextDecoder();
  const write = (bytes: Uint8Array) => {
    printed += decoder.decode(bytes, { stream: true });
  };
  void child.stdout.pipeTo(new WritableStream({ write }));
  const url = `http://127.0.0.1:${port}/hermes-webhook`;
  const listens = () => fetch(url, { method: "POST" }).then(Boolean, () => false);
  while (!(await listens())) {
    if (child.exitCode !== null) throw new Error(`${command.join(" ")} ended with ${child.exitCode}`);
    await Bun.sleep(20);
  }
  return {
    url,
    events: () => printed,
    stop() {
      child.kill("SIGKILL");
      return child.exited;
    },
  };
}

/** Builds the program in Go; null where there is no Go. */
async function buildGo(): Promise<{ path: string; port: number } | null> {
  if (!Bun.which("go")) return null;
  const { path, port } = writeProgram("go", "receiver.go", 5002);
  const binary = join(directory, "receiver-in-go");
  const build = Bun.spawn(["go", "build", "-o", binary, path], {
    env: { PATH: process.env["PATH"] ?? "", GOCACHE: join(directory, "go-cache"), GOFLAGS: "-mod=mod" },
    cwd: directory,
    stderr: "inherit",
  });
  expect(await build.exited).toBe(0);
  return { path: binary, port };
}

/** What `socat` does for the script: a process per connection, with the connection as its stdin and stdout. */
function startScript(): Receiver {
  const script = join(directory, "receiver.sh");
  writeFileSync(script, source("bash"));
  chmodSync(script, 0o700);
  const server = Bun.listen<{ child: ReturnType<typeof spawnScript> }>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        const child = spawnScript(script);
        socket.data = { child };
        void child.stdout.bytes().then((answer) => socket.end(answer));
      },
      data: (socket, bytes) => void socket.data.child.stdin.write(bytes),
      close: (socket) => void socket.data.child.stdin.end(),
    },
  });
  const written = Bun.file(join(directory, "events.jsonl"));
  return {
    url: `http://127.0.0.1:${server.port}/`,
    events: () => (written.size > 0 ? readFileSync(join(directory, "events.jsonl"), "utf8") : ""),
    stop: async () => server.stop(true),
  };
}

function spawnScript(script: string) {
  return Bun.spawn([script], {
    cwd: directory,
    env: { PATH: process.env["PATH"] ?? "", HERMES_WEBHOOK_OUTBOUND_SECRET: SECRET },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
}

/** The library that the page names. */
function startLibrary(): Receiver {
  const webhook = new Webhook(Buffer.from(SECRET).toString("base64"));
  let taken = "";
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const body = await request.text();
      try {
        webhook.verify(body, Object.fromEntries(request.headers));
      } catch {
        return new Response(null, { status: 401 }); // what it refuses it says by throwing
      }
      taken += body;
      return new Response(null, { status: 204 });
    },
  });
  return { url: `http://127.0.0.1:${server.port}/`, events: () => taken, stop: () => server.stop(true) };
}

/** Those that look at the time that Standard Webhooks sign; the plain signature signs none. */
const TIMELY = ["node", "go", "standardwebhooks"];
const receivers = new Map<string, Receiver>();
let fake: Service;
let hermes: Hermes;

beforeAll(async () => {
  const python = writeProgram("python", "receiver.py", 5000);
  const node = writeProgram("js", "receiver.mjs", 5001);
  const go = await buildGo();
  receivers.set("flask", await startProgram(["python3", python.path], python.port));
  receivers.set("node", await startProgram([Bun.which("node") ?? process.execPath, node.path], node.port));
  receivers.set("shell", startScript());
  receivers.set("standardwebhooks", startLibrary());
  if (go === null) console.log("Go is not installed here: its receiver is not run.");
  else receivers.set("go", await startProgram([go.path], go.port));
  fake = await startFakeLlm();
  const endpoints = [...receivers].map(([name, { url }]) => ({ name, url, secret: SECRET }));
  hermes = await startHermes({
    config: {
      ...testConfig(fake.url, "hello"),
      network: { allow_cidrs: ["127.0.0.1/32"] },
      gateway: { webhook: { outbound: { enabled: true, endpoints } } },
    },
  });
});
afterAll(async () => {
  await hermes.remove();
  await fake.kill();
  for (const receiver of receivers.values()) await receiver.stop();
  rmSync(directory, { recursive: true, force: true });
});

test("every receiver of the page takes what Hermes sends, at the first try", async () => {
  const body = JSON.stringify({ message: "ein Märchen, 一个故事", session_id: "s1" });
  const answer = await fetch(hermes.api("/chat"), { method: "POST", headers: hermes.headers, body });
  expect(answer.status).toBe(200);
  const deliveries = async () => {
    const listed = await fetch(hermes.api("/deliveries?limit=100"), { headers: hermes.headers });
    return (await listed.json()).deliveries as { endpoint: string; status: string; attempts: number }[];
  };
  while ((await deliveries()).some(({ status, attempts }) => status === "due" && attempts === 0))
    await Bun.sleep(50);
  const outcome = (await deliveries()).map(
    ({ endpoint, status, attempts }) => `${endpoint} ${status} ${attempts}`,
  );
  const expected = [...receivers.keys()].flatMap((name) => [`${name} sent 1`, `${name} sent 1`]);
  expect(outcome.toSorted()).toEqual(expected.toSorted());
  for (const [name, { events }] of receivers) {
    const hasBoth = () => events().includes("message.received") && events().includes("task.completed");
    while (!hasBoth()) await Bun.sleep(10);
    expect([name, events().includes("Märchen") || events().includes("M\\xe4rchen")]).toEqual([name, true]);
  }
});

test("no receiver of the page takes what is not signed, or signed with another secret, or changed", async () => {
  const body = '{"id":"evt_forged","type":"task.completed","data":{}}';
  const hmac = (secret: string, text: string) => new Bun.CryptoHasher("sha256", secret).update(text);
  const signed = (secret: string, of: string, seconds: number) => ({
    "content-type": "application/json",
    "x-hermes-signature": `sha256=${hmac(secret, of).digest("hex")}`,
    "webhook-id": "evt_forged",
    "webhook-timestamp": String(seconds),
    "webhook-signature": `v1,${hmac(secret, `evt_forged.${seconds}.${of}`).digest("base64")}`,
  });
  const now = Math.floor(Date.now() / 1000);
  for (const [name, { url, events }] of receivers) {
    const status = async (headers: Record<string, string>) =>
      (await fetch(url, { method: "POST", headers, body })).status;
    expect([name, await status({})]).toEqual([name, 401]);
    expect([name, await status(signed("another secret", body, now))]).toEqual([name, 401]);
    expect([name, await status(signed(SECRET, `${body} `, now))]).toEqual([name, 401]);
    expect([name, await status({ ...signed(SECRET, "", now), "x-hermes-signature": "é" })]).toEqual([
      name,
      401,
    ]);
    if (TIMELY.includes(name))
      expect([name, await status(signed(SECRET, body, now - 301))]).toEqual([name, 401]);
    expect(events()).not.toContain("evt_forged");
    expect([name, await status(signed(SECRET, body, now))]).toEqual([name, 204]);
  }
});
