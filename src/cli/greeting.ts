import { receivesByWebhook } from "../app/accounts.ts";
import type { KeptKey } from "../app/configuration.ts";
import type { App } from "../app/open.ts";
import type { Service } from "../app/serve.ts";
import { accountLabel, enabledAccounts } from "../config/accounts.ts";
import type { SurfaceName } from "../http/edge.ts";
import { toAppError } from "../lib/errors.ts";
import { VERSION } from "./version.ts";
import { writersOf } from "./writers.ts";

/** What a service says once it runs, a line each: where it answers, whom it connects, who may write, and what is missing. */
export async function greeting(app: App, service: Service): Promise<string[]> {
  return [
    ...app.surfaces.flatMap((surface) => surfaceLines(app, surface, service.urls[surface] ?? "")),
    ...(await platformLines(app, service)),
    ...adviceOnModel(app),
  ];
}

const NAMES: Readonly<Record<SurfaceName, string>> = {
  api: `Hermes ${VERSION} answers at`,
  mcp: `Hermes ${VERSION} serves MCP at`,
  webhook: `Hermes ${VERSION} takes webhooks at`,
};

function surfaceLines({ madeKeys }: App, surface: SurfaceName, url: string): string[] {
  const key = madeKeys.find((made) => made.surface === surface);
  return [`${NAMES[surface]} ${url}`, ...(key ? keyLines(key, url) : [])];
}

type Example = (url: string, token: string) => string[];
const KEYS: Readonly<Record<KeptKey["surface"], { name: string; example: Example }>> = {
  api: {
    name: "API token",
    example: (url, token) => [
      `  curl ${url}/chat -H "Authorization: Bearer ${token}" \\`,
      `    -H "Content-Type: application/json" -d '{"message": "Hello"}'`,
    ],
  },
  mcp: {
    name: "MCP key",
    example: (url, token) => [`  curl ${url}/tools -H "x-api-key: ${token}"`],
  },
};

function keyLines({ surface, token, file, isNew }: KeptKey, url: string): string[] {
  const { name, example } = KEYS[surface];
  if (!isNew) return [`The ${name} is in ${file}.`];
  return [`${name}, shown once and kept in ${file}:`, `  ${token}`, "Try it:", ...example(url, token)];
}

async function platformLines({ gateway, config, store }: App, { urls }: Service): Promise<string[]> {
  if (gateway === null) return [];
  const health = gateway.health();
  const labels = health.filter(({ error }) => error === null).map(({ account }) => account);
  const failed = health.flatMap(({ account, error }) => (error ? [`${account}: ${error.message}`] : []));
  const accounts = enabledAccounts(config.current).filter((one) => labels.includes(accountLabel(one)));
  const pairings = await store.pairings.list();
  const lines = await Promise.all(
    accounts.map(async (account) => {
      const label = accountLabel(account);
      const path = account.name === "" ? account.platform : `${account.platform}/${account.name}`;
      const calls = (await receivesByWebhook(account))
        ? [`${label}: the platform must reach ${urls.webhook}/${path}, through your public address.`]
        : [];
      const { text, advice } = writersOf(account, pairings);
      return [...calls, `${label}: ${text}.${advice === undefined ? "" : ` ${advice}`}`];
    }),
  );
  const first = labels.length === 0 ? [] : [`Hermes ${VERSION} connects ${labels.join(", ")}`];
  return [...first, ...failed, ...lines.flat()];
}

/** Why no message could be answered yet, and what to do; nothing when there is a model. */
function adviceOnModel({ models }: App): string[] {
  try {
    models.defaultRef();
    return [];
  } catch (error) {
    const { message, hint } = toAppError(error);
    return [`warning: ${message}`, ...(hint ? [`hint: ${hint}`] : [])];
  }
}
