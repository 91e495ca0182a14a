import type { LoadedConfig } from "../config/load.ts";
import { AppError } from "../lib/errors.ts";
import { reachableHost } from "../lib/host.ts";
import type { Scheme, SchemeName } from "../webhooks/contract.ts";
import { genericScheme } from "../webhooks/generic.ts";
import { schemeOf } from "../webhooks/schemes.ts";

/** How a command is told to sign. */
export interface Signing {
  scheme?: SchemeName;
  route?: string;
  /** The environment variable that holds the secret. */
  secretEnv?: string;
}

/** What is said of a route; undefined for the endpoint itself. Throws `usage`. */
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

/** The scheme that was asked for, that of the route, or `hermes`. Throws `usage`. */
export function schemeFor(loaded: LoadedConfig, { scheme, route: routeName }: Signing): Scheme {
  const route = routeOf(loaded, routeName);
  const name = scheme ?? route?.scheme ?? "hermes";
  if (name !== "generic") return schemeOf(name);
  if (route?.signature !== undefined) return genericScheme(route.signature);
  throw new AppError("usage", "A generic signature is described by a route.", {
    hint: "Name one with --route.",
  });
}

/** The secret that an environment variable holds, that of the route, or that of the endpoint. Throws `usage`. */
export function secretFor(loaded: LoadedConfig, { secretEnv, route }: Signing): string {
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

/** The bytes of a body, from a file or from stdin for `-`. Throws `usage`. */
export async function readBody(file: string): Promise<Uint8Array<ArrayBuffer>> {
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

/** Where senders call a route. */
export function addressOf({ config }: LoadedConfig, route: string | undefined): string {
  const { public_url, host, port, path } = config.gateway.webhook;
  const endpoint = public_url ?? `http://${reachableHost(host)}:${port}${path}`;
  return route === undefined ? endpoint : `${endpoint.replace(/\/+$/, "")}/${route}`;
}

/** The kind of body that a scheme signs. */
export function contentType({ name }: Scheme): string {
  return name === "twilio" ? "application/x-www-form-urlencoded" : "application/json";
}
