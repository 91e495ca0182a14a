import { type LoadedConfig, loadConfig } from "../config/load.ts";
import { AppError } from "../lib/errors.ts";
import { SCHEME_NAMES, type SignedHeaders } from "../webhooks/contract.ts";
import { schemeOf } from "../webhooks/schemes.ts";
import type { CommonOptions } from "./options.ts";
import { print, printable, say } from "./output.ts";
import { stopSignals } from "./signals.ts";

const MAX_BODY_BYTES = 16 * 1024 * 1024;
/** Answers with these have no body. */
const BARE_STATUSES = [204, 205, 304];

/** How webhooks are received. */
export interface ListenOptions extends CommonOptions {
  port: number;
  status: number;
  secretEnv?: string;
  json?: true;
}

/** Receives webhooks until SIGINT or SIGTERM. Answers only to this machine. */
export async function receiveWebhooks(options: ListenOptions): Promise<void> {
  const loaded = loadConfig(options.config === undefined ? {} : { file: options.config });
  const secrets = secretsOf(loaded, options);
  const { stopped } = stopSignals();
  const server = serve(options, secrets);
  const url = `http://127.0.0.1:${server.port}/`;
  say(`listening at ${url}; Ctrl-C ends it`);
  say(`to send events here: gateway.webhook.outbound.url: "${url}", and 127.0.0.1/32 in network.allow_cidrs`);
  await stopped;
  await server.stop(true);
}

/** Those of every endpoint, whether anything is sent yet or not, or the one that the command names. */
function secretsOf({ config, variables }: LoadedConfig, { secretEnv }: ListenOptions): readonly string[] {
  if (secretEnv === undefined) {
    const { outbound } = config.gateway.webhook;
    const secrets = [outbound, ...outbound.endpoints].flatMap((one) => [one.secret, one.previous_secret]);
    const usable = secrets.filter((secret) => secret !== undefined);
    if (usable.length > 0) return usable;
    throw new AppError("usage", "There is no secret to verify with.", {
      hint: "Set HERMES_WEBHOOK_OUTBOUND_SECRET or gateway.webhook.outbound, or name a variable with --secret-env.",
    });
  }
  const secret = variables[secretEnv];
  if (secret?.trim()) return [secret];
  throw new AppError("usage", `${secretEnv} is not set.`);
}

function serve(options: ListenOptions, secrets: readonly string[]): Bun.Server<undefined> {
  try {
    return Bun.serve({
      hostname: "127.0.0.1",
      port: options.port,
      maxRequestBodySize: MAX_BODY_BYTES,
      fetch: (request) => receive(request, options, secrets),
    });
  } catch (cause) {
    if ((cause as { code?: string }).code !== "EADDRINUSE") throw cause;
    throw new AppError("address_in_use", `Port ${options.port} is in use.`, {
      cause,
      hint: "Choose another one with --port.",
    });
  }
}

async function receive(
  request: Request,
  options: ListenOptions,
  secrets: readonly string[],
): Promise<Response> {
  const body = await request.bytes();
  const headers = Object.fromEntries(request.headers);
  const verdicts = verdictsOf(headers, body, secrets);
  const isSigned = verdicts.length > 0 && verdicts.every(({ ok }) => ok);
  const status = isSigned ? options.status : 401;
  const { method } = request;
  const path = new URL(request.url).pathname;
  const text = new TextDecoder().decode(body);
  if (options.json)
    print(JSON.stringify({ method, path, headers, signatures: verdicts, status, body: text }));
  else
    print(
      printable(
        [
          `${new Date().toISOString()} ${method} ${path} -> ${status}`,
          ...(verdicts.length === 0 ? ["  not signed"] : []),
          ...verdicts.map(({ scheme, ok, reason }) => `  ${scheme}: ${ok ? "the signature fits" : reason}`),
          ...["webhook-id", "webhook-timestamp"].flatMap((name) =>
            headers[name] === undefined ? [] : [`  ${name}: ${headers[name]}`],
          ),
          text,
          "",
        ].join("\n"),
      ),
    );
  const answer = BARE_STATUSES.includes(status) ? null : isSigned ? "ok\n" : "not signed\n";
  return new Response(answer, { status });
}

/** Of each scheme whose header the request has, whether it fits. */
function verdictsOf(headers: SignedHeaders, body: Uint8Array, secrets: readonly string[]) {
  return SCHEME_NAMES.flatMap((scheme) => {
    if (scheme === "generic") return [];
    const { headers: shown, verify } = schemeOf(scheme);
    if (!shown.some((name) => Object.hasOwn(headers, name))) return [];
    const verdict = verify({ headers, body }, secrets, Date.now());
    return [{ scheme, ok: verdict.ok, reason: verdict.ok ? undefined : verdict.reason }];
  });
}
