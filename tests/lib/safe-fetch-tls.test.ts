import { afterAll, beforeAll, expect, test } from "bun:test";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import { createSecureContext, createServer } from "node:tls";

/** Self-signed for good.test and other.test; their keys protect nothing. */
const TLS = join(import.meta.dir, "../support/tls");
const pem = (name: string) => {
  const read = (kind: string) => readFileSync(join(TLS, `${name}.${kind}.pem`));
  return { key: read("key"), cert: read("cert") };
};
const ADDRESS = "127.77.0.5";

const askedFor: string[] = [];
/** Shows a certificate for good.test under every name but lies.test, and tells which Host it was asked for. */
const server = createServer(
  {
    ...pem("good.test"),
    SNICallback: (name, done) => {
      askedFor.push(name);
      done(null, createSecureContext(pem(name === "lies.test" ? "other.test" : "good.test")));
    },
  },
  (socket) => {
    socket.on("error", () => socket.destroy());
    socket.on("data", (request) => {
      const host = /^host: (.*)\r$/im.exec(request.toString())?.[1] ?? "";
      // The connection stays open, for clients that would use it again.
      socket.write(
        `HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: ${host.length}\r\n\r\n${host}`,
      );
    });
  },
);
let proxied = 0;
/** An HTTP proxy of the environment, which must never be asked. */
const proxy = createTcpServer((socket) => {
  proxied += 1;
  socket.destroy();
});
let port = 0;
let proxyPort = 0;

beforeAll(async () => {
  server.on("tlsClientError", () => undefined);
  server.listen(0, ADDRESS);
  proxy.listen(0, "127.0.0.1");
  await Promise.all([once(server, "listening"), once(proxy, "listening")]);
  port = (server.address() as AddressInfo).port;
  proxyPort = (proxy.address() as AddressInfo).port;
});
afterAll(() => {
  server.close();
  proxy.close();
});

/** Fetches the URLs in a process of its own, which trusts good.test's certificate as a system's root. */
async function fetchAll(urls: string[], environment: Record<string, string> = {}): Promise<string[]> {
  const script = `
    const { createSafeFetch } = await import(${JSON.stringify(join(import.meta.dir, "../../src/lib/safe-fetch.ts"))});
    const fetch = createSafeFetch({ allowCidrs: () => ["${ADDRESS}"], resolve: async () => ["${ADDRESS}"] });
    for (const url of ${JSON.stringify(urls)})
      console.log(await fetch(url, { timeoutMs: 10000, maxBytes: 1000 }).then(
        (answer) => new TextDecoder().decode(answer.bytes),
        (error) => error.code + " " + (error.cause?.code ?? ""),
      ));`;
  const child = Bun.spawn([process.execPath, "-e", script], {
    env: {
      PATH: process.env["PATH"] ?? "",
      NODE_EXTRA_CA_CERTS: join(TLS, "good.test.cert.pem"),
      ...environment,
    },
    stdout: "pipe",
    stderr: "inherit",
  });
  const output = await new Response(child.stdout).text();
  expect(await child.exited).toBe(0);
  return output.trim().split("\n");
}

test("the certificate is asked for and checked by the name, never by the address", async () => {
  askedFor.length = 0;
  const answers = await fetchAll([
    `https://good.test:${port}/`,
    `https://good.test.:${port}/`,
    `https://wrong.test:${port}/`,
    `https://lies.test:${port}/`,
    `https://${ADDRESS}:${port}/`,
    `https://good.test:${port}/`,
  ]);
  expect(answers).toEqual([
    `good.test:${port}`,
    `good.test.:${port}`,
    "network_failed ERR_TLS_CERT_ALTNAME_INVALID",
    expect.stringMatching(/^network_failed (DEPTH_ZERO_SELF_SIGNED_CERT|ERR_TLS_CERT_ALTNAME_INVALID)$/),
    "network_failed ERR_TLS_CERT_ALTNAME_INVALID",
    `good.test:${port}`,
  ]);
  expect(askedFor).toEqual(["good.test", "good.test", "wrong.test", "lies.test", "good.test"]);
});

test("a certificate that nobody vouches for is refused, whatever the environment says", async () => {
  const environment = { NODE_EXTRA_CA_CERTS: "", NODE_TLS_REJECT_UNAUTHORIZED: "0" };
  expect(await fetchAll([`https://good.test:${port}/`], environment)).toEqual([
    "network_failed DEPTH_ZERO_SELF_SIGNED_CERT",
  ]);
});

test("proxies of the environment are not used: they would connect to what nobody checked", async () => {
  const names = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];
  const environment = Object.fromEntries(names.map((name) => [name, `http://127.0.0.1:${proxyPort}`]));
  const answers = await fetchAll([`https://good.test:${port}/`, `http://good.test:${port}/`], environment);
  expect(answers[0]).toBe(`good.test:${port}`);
  expect(answers[1]).toStartWith("network_failed"); // plain HTTP to the TLS port, made directly
  expect(proxied).toBe(0);
});
