import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startService } from "./hermes.ts";
import { ROOT } from "./pages.ts";
import { rawExchange } from "./server.ts";

/** The name that the published files have. */
export const NAME = "hermes-api.your-domain.com";
/** The published files. */
export const SITES = ["hermes.conf", "hermes-safer.conf", "Caddyfile"] as const;
export type Site = (typeof SITES)[number];

/** Debian has nginx where only administrators look. */
const PATH = `${process.env["PATH"] ?? ""}:/usr/sbin`;
const CADDY = Bun.which("caddy", { PATH });
if (CADDY === null) console.log("Caddy is not installed here: the Caddyfile is not tested.");
/** Those whose program is here. nginx has to be; Caddy is too large to be installed for one file. */
export const INSTALLED = SITES.filter((site) => site !== "Caddyfile" || CADDY !== null);

/** Where the surfaces of Hermes listen; 0 for one that is not served. */
export interface Behind {
  api: number;
  mcp?: number;
  webhook?: number;
}

/** A real proxy that runs a published file. */
export interface ReverseProxy extends AsyncDisposable {
  /** Of HTTPS. */
  readonly port: number;
  /** Of HTTP, where the file has one. */
  readonly plainPort: number;
  /** The file of its certificate. */
  readonly certificate: string;
  /** What it wrote of errors. */
  output(): string;
}

/**
 * Starts the program of a published file on a port of 127.0.0.1, with nothing but the file's ports and the paths of its
 * certificate put in. Resolves once it listens.
 */
export async function startProxy(site: Site, behind: Behind): Promise<ReverseProxy> {
  const directory = mkdtempSync(join(tmpdir(), "hermes-proxy-"));
  const certificate = makeCertificate(directory);
  for (let tries = 1; ; tries++) {
    const ports = { https: freePort(), http: freePort() };
    const text = fillIn(readFileSync(join(ROOT, "docs/proxy", site), "utf8"), directory, ports, behind);
    writeFileSync(join(directory, site), text);
    try {
      const start = site === "Caddyfile" ? startCaddy : startNginx;
      const service = await start(directory, join(directory, site));
      return {
        port: ports.https,
        plainPort: ports.http,
        certificate,
        output: service.output,
        async [Symbol.asyncDispose]() {
          await service.stop();
          rmSync(directory, { recursive: true, force: true });
        },
      };
    } catch (error) {
      if (tries === 5 || !/address already in use/i.test(String(error))) throw error; // somebody took the port
    }
  }
}

/** What a reader of the file puts in. Everything that is looked for must be there. */
function fillIn(text: string, directory: string, ports: { https: number; http: number }, behind: Behind) {
  const upstreams = [
    [18791, behind.api],
    [18790, behind.mcp],
    [18789, behind.webhook],
  ] as const;
  let filled = text
    .replaceAll(`/etc/letsencrypt/live/${NAME}/`, `${directory}/`)
    .replaceAll("listen 443 ", `listen 127.0.0.1:${ports.https} `)
    .replaceAll("listen [::]:443 ", `listen ${secondAddress}:${ports.https} `)
    .replaceAll("listen 80;", `listen 127.0.0.1:${ports.http};`)
    .replaceAll("listen [::]:80;", `listen ${secondAddress}:${ports.http};`)
    .replaceAll(`\n${NAME} {`, `\n${NAME}:${ports.https} {`);
  for (const [published, port] of upstreams)
    filled = filled.replaceAll(`127.0.0.1:${published}`, `127.0.0.1:${port || 9}`);
  if (/letsencrypt|listen (443|80|\[::\])|\n\S+\.com \{/.test(filled.replace(/^#.*$/gm, "")))
    throw new Error(`not all was put in:\n${filled}`);
  return filled;
}

/** Stands for `[::]` in the files: this machine may have no IPv6. */
const secondAddress = (() => {
  try {
    void Bun.listen({ hostname: "::1", port: 0, socket: { data() {} } }).stop(true);
    return "[::1]";
  } catch {
    return "127.0.0.2";
  }
})();

/** What nginx needs around a site, as its package has it in /etc/nginx/nginx.conf. */
function startNginx(directory: string, site: string) {
  mkdirSync(join(directory, "temp"), { recursive: true });
  const main = join(directory, "nginx.conf");
  const places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${directory}/temp/${name};`,
  );
  writeFileSync(
    main,
    `daemon off; master_process off; pid ${directory}/pid; error_log stderr notice;
events { worker_connections 768; }
http { sendfile on; tcp_nopush on; types_hash_max_size 2048; gzip on; access_log off;
  include /etc/nginx/mime.types; default_type application/octet-stream;
  ${places.join("\n  ")}
  include ${site}; }`,
  );
  return startService([Bun.which("nginx", { PATH }) ?? "nginx", "-p", directory, "-c", main], {
    ready: /using the "epoll" event method/,
  });
}

function startCaddy(directory: string, site: string) {
  const main = join(directory, "main");
  writeFileSync(
    main,
    `{
	admin off
	auto_https disable_redirects
	default_bind 127.0.0.1
	storage file_system ${directory}/storage
}
import ${site}
`,
  );
  const command = [CADDY ?? "caddy", "run", "--adapter", "caddyfile", "--config", main];
  return startService(command, { env: { HOME: directory }, ready: /serving initial configuration/ });
}

function makeCertificate(directory: string): string {
  const [certificate, key] = [join(directory, "fullchain.pem"), join(directory, "privkey.pem")];
  const made = Bun.spawnSync([
    ...["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
    ...["-days", "2", "-subj", "/CN=Hermes", "-addext", `subjectAltName=DNS:${NAME},IP:127.0.0.1`],
    ...["-keyout", key, "-out", certificate],
  ]);
  if (made.exitCode !== 0) throw new Error(made.stderr.toString());
  return certificate;
}

/** A port that nobody has at this moment. */
export function freePort(): number {
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = server;
  server.stop(true);
  return port;
}

/** A request to a proxy. */
export interface Sent {
  method?: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  /** A file in place of the body. */
  file?: string;
  /** Which address of this machine calls; 127.0.0.1 unless said otherwise. */
  from?: string;
  http?: "1.1" | "2";
}

/** What came back. */
export interface Got {
  status: number;
  /** Of HTTP. */
  version: string;
  headers: Headers;
  text: string;
  /** The text as JSON; fails for any other. */
  json(): Record<string, unknown>;
}

/** Calls the site through the proxy with curl, as it stands in the address. Rejects where the connection broke. */
export async function curl(proxy: ReverseProxy, path: string, sent: Sent = {}): Promise<Got> {
  const { method, headers = {}, body, file, from = "127.0.0.1", http = "1.1" } = sent;
  const upload = file === undefined ? (body === undefined ? [] : ["--data-binary", "@-"]) : ["-T", file];
  const child = Bun.spawn(
    [
      ...["curl", "-sS", "-i", "--path-as-is", "--globoff", "--max-time", "60", `--http${http}`, ...upload],
      ...["--cacert", proxy.certificate, "--resolve", `${NAME}:${proxy.port}:127.0.0.1`, "--interface", from],
      ...["-X", method ?? (upload.length > 0 ? "POST" : "GET")],
      ...Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]),
      `https://${NAME}:${proxy.port}${path}`,
    ],
    { stdin: new Blob([body ?? ""] as BlobPart[]), stdout: "pipe", stderr: "pipe" },
  );
  const [output, complaint, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(`curl: ${code} ${complaint}\n${output}\n${proxy.output().slice(-2000)}`);
  return parse(output);
}

function parse(output: string): Got {
  const [head = "", ...rest] = output
    .replace(/^(HTTP\/\S+ 1\d\d.*\r\n(?:.+\r\n)*\r\n)+/, "")
    .split("\r\n\r\n");
  const [first = "", ...lines] = head.split("\r\n");
  const [, version = "", status = ""] = /^HTTP\/(\S+) (\d+)/.exec(first) ?? [];
  const headers = new Headers();
  for (const line of lines)
    headers.append(line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1));
  const text = rest.join("\r\n\r\n");
  return { status: Number(status), version, headers, text, json: () => JSON.parse(text) };
}

/** `fetch` by way of the proxy, whatever host the address names. */
export function fetchThrough(proxy: ReverseProxy) {
  const ca = readFileSync(proxy.certificate, "utf8");
  return (address: string | URL, init: RequestInit = {}): Promise<Response> => {
    const { pathname, search } = new URL(address);
    const headers = new Headers(init.headers);
    headers.set("host", NAME);
    return fetch(`https://127.0.0.1:${proxy.port}${pathname}${search}`, {
      ...init,
      headers,
      tls: { ca },
    } as RequestInit);
  };
}

/** `rawExchange` over TLS. */
export function rawThrough({ port, certificate }: ReverseProxy, request: string): Promise<string> {
  return rawExchange(port, request, { ca: readFileSync(certificate, "utf8"), serverName: NAME });
}
