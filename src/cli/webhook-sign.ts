import { Command, Option } from "commander";
import { type LoadedConfig, loadConfig } from "../config/load.ts";
import { AppError } from "../lib/errors.ts";
import { reachableHost } from "../lib/host.ts";
import { newId } from "../lib/ids.ts";
import { SCHEME_NAMES, type Scheme, type SchemeName } from "../webhooks/contract.ts";
import { genericScheme } from "../webhooks/generic.ts";
import { schemeOf } from "../webhooks/schemes.ts";
import { type CommonOptions, parseUrl, withConfigOption, withJsonOption } from "./options.ts";
import { print, printJson } from "./output.ts";

interface SignOptions extends CommonOptions {
  scheme?: SchemeName;
  route?: string;
  secretEnv?: string;
  id?: string;
  url?: URL;
  curl?: true;
  json?: true;
}

/** `hermes webhook sign`: the headers that prove a body, as a sender makes them. Secrets are no arguments: others see those. */
export function webhookSignCommand(): Command {
  return withJsonOption(withConfigOption(new Command("sign")))
    .description("print the headers that sign a webhook, or the call of curl that sends it")
    .argument("<file>", "file with the body; - for stdin")
    .addOption(
      new Option("--scheme <scheme>", "how it is signed; default: as the route says, or hermes").choices(
        SCHEME_NAMES,
      ),
    )
    .option("--route <name>", "sign for this route, with its secret")
    .option("--secret-env <variable>", "environment variable with the secret, instead of the configured one")
    .option("--id <id>", "id of the event, for schemes that sign one; default: a new one")
    .option(
      "--url <address>",
      "where it is sent, for schemes that sign it; default: the configured address",
      parseUrl,
    )
    .option("--curl", "print the call of curl that sends it")
    .action(async (file: string, options: SignOptions) => {
      const loaded = loadConfig(options.config === undefined ? {} : { file: options.config });
      const body = await readBody(file);
      const scheme = schemeFor(loaded, options);
      const url = options.url?.href ?? addressOf(loaded, options.route);
      const { id = newId("msg"), curl, json } = options;
      const headers = scheme.sign(body, secretFor(loaded, options), { id, nowMs: Date.now(), url });
      if (json) printJson(headers);
      else if (curl) print(curlCall(file, url, { "content-type": contentType(scheme), ...headers }));
      else
        print(
          Object.entries(headers)
            .map(([name, value]) => `${name}: ${value}`)
            .join("\n"),
        );
    });
}

async function readBody(file: string): Promise<Uint8Array> {
  const source = file === "-" ? Bun.stdin : Bun.file(file);
  try {
    return await source.bytes();
  } catch (cause) {
    throw new AppError("usage", `${file} cannot be read.`, {
      cause,
      hint: "Name a file with the body, or - for stdin.",
    });
  }
}

function routeOf({ config }: LoadedConfig, name: string | undefined) {
  if (name === undefined) return undefined;
  const { routes } = config.gateway.webhook;
  const route = Object.hasOwn(routes, name) ? routes[name] : undefined;
  if (route === undefined)
    throw new AppError("usage", `There is no route ${JSON.stringify(name)}.`, {
      hint: "The routes are those of gateway.webhook.routes.",
    });
  return route;
}

function schemeFor(loaded: LoadedConfig, { scheme, route: routeName }: SignOptions): Scheme {
  const route = routeOf(loaded, routeName);
  const name = scheme ?? route?.scheme ?? "hermes";
  if (name === "gitlab")
    throw new AppError("usage", "GitLab signs nothing: its header X-Gitlab-Token is the secret itself.");
  if (name !== "generic") return schemeOf(name);
  if (route?.signature !== undefined) return genericScheme(route.signature);
  throw new AppError("usage", "A generic signature is described by a route.", {
    hint: "Name one with --route.",
  });
}

function secretFor(loaded: LoadedConfig, { secretEnv, route }: SignOptions): string {
  const { webhook } = loaded.config.gateway;
  const secret =
    secretEnv === undefined
      ? (routeOf(loaded, route)?.secret ?? webhook.secret)
      : loaded.variables[secretEnv];
  if (secret?.trim()) return secret;
  throw new AppError(
    "usage",
    secretEnv === undefined ? "There is no secret to sign with." : `${secretEnv} is not set.`,
    {
      hint: "Set gateway.webhook.secret, or name an environment variable that holds a secret with --secret-env.",
    },
  );
}

/** Where senders call the route. */
function addressOf({ config }: LoadedConfig, route: string | undefined): string {
  const { public_url, host, port, path } = config.gateway.webhook;
  const endpoint = public_url ?? `http://${reachableHost(host)}:${port}${path}`;
  return route === undefined ? endpoint : `${endpoint.replace(/\/+$/, "")}/${route}`;
}

function contentType({ name }: Scheme): string {
  return name === "twilio" ? "application/x-www-form-urlencoded" : "application/json";
}

function curlCall(file: string, url: string, headers: Record<string, string>): string {
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  return [
    `curl -X POST ${quoted(url)}`,
    ...Object.entries(headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    `--data-binary ${quoted(`@${file}`)}`,
  ].join(" \\\n  ");
}
