import type { Store } from "../store/contract.ts";
import type { PublicEndpoint } from "../webhooks/outbound/public.ts";
import type { CommonOptions } from "./options.ts";
import { say } from "./output.ts";

/** How the endpoints of the configuration are. */
export async function configuredEndpoints(store: Store, options: CommonOptions): Promise<PublicEndpoint[]> {
  const [{ loadConfig }, { endpointStatuses }] = await Promise.all([
    import("../config/load.ts"),
    import("../webhooks/outbound/public.ts"),
  ]);
  const { config } = loadConfig(options.config === undefined ? {} : { file: options.config });
  return endpointStatuses(store, config);
}

/** What is due leaves only for an endpoint that is configured and not disabled, and while somebody sends to it. */
export async function sayWhoSends(
  store: Store,
  names: readonly string[],
  options: CommonOptions,
): Promise<void> {
  const endpoints = await configuredEndpoints(store, options);
  for (const name of new Set(names)) {
    const endpoint = endpoints.find((one) => one.endpoint === name);
    if (endpoint === undefined) say(`${name} is no endpoint of the configuration: nothing leaves for it.`);
    else if (endpoint.notice)
      say(`${name} is disabled, so that it is given up again. First: ${endpoint.notice.hint}`);
    else if (await isFree(store, name))
      say(
        `Nobody sends to ${name} at this moment: it leaves once \`hermes gateway\`, \`api\` or \`serve\` runs.`,
      );
  }
}

async function isFree(store: Store, name: string): Promise<boolean> {
  const hold = await store.webhooks.hold(name, "a command");
  if (!("release" in hold)) return false;
  hold.release();
  return true;
}
