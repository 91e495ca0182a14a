import { PlatformError } from "../contract.ts";
import { fieldsOf, textOf } from "../fields.ts";
import { credentialRefusalOf } from "./errors.ts";
import { ROBOT_TOPIC } from "./frames.ts";
import { isSuccess, type Requests } from "./requests.ts";

/**
 * What arrives over a connection: messages to the robot. Events of the app are left to whoever else has asked for them: each one
 * goes to a single connection.
 */
const SUBSCRIPTIONS = [{ type: "CALLBACK", topic: ROBOT_TOPIC }];

/** Asks for a connection of Stream mode: an address with a ticket, which is good for one. */
export async function requestConnection(
  { hosts, appKey, appSecret, ask }: Requests,
  signal: AbortSignal,
): Promise<URL> {
  const json = { clientId: appKey, clientSecret: appSecret, subscriptions: SUBSCRIPTIONS, ua: "hermes" };
  const url = new URL("v1.0/gateway/connections/open", hosts.api);
  const answer = await ask({ method: "POST", url, json }, signal);
  if (!isSuccess(answer)) throw credentialRefusalOf(answer);
  const { endpoint, ticket } = fieldsOf(answer.json);
  const address = addressOf(textOf(endpoint), textOf(ticket));
  if (address === null || (address.protocol !== "wss:" && hosts.api.protocol === "https:"))
    throw new PlatformError("unavailable", "DingTalk gave no address to connect to.");
  return address;
}

/** The ticket may hold `+` and `/`, which mean something else in an address. */
function addressOf(endpoint: string, ticket: string): URL | null {
  const url = URL.parse(endpoint);
  if (url === null || ticket === "" || !/^wss?:$/.test(url.protocol)) return null;
  url.searchParams.set("ticket", ticket);
  return url;
}
