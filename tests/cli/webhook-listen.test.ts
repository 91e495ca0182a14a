import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { rmSync } from "node:fs";
import { schemeOf } from "../../src/webhooks/schemes.ts";
import { HERMES_COMMAND, makeHome, type Service, startService } from "../support/hermes.ts";

setDefaultTimeout(60_000);

const SECRET = "the-outbound-secret-of-the-tests";
const home = makeHome();
afterAll(() => rmSync(home, { recursive: true }));

/** A listener before anything is sent: all that it knows is the secret of the environment. */
function listen(...args: string[]): Promise<Service> {
  const env = { HOME: home, HERMES_HOME: home, HERMES_WEBHOOK_OUTBOUND_SECRET: SECRET };
  return startService([...HERMES_COMMAND, "webhook", "listen", "--port", "0", ...args], { env });
}

function send(service: Service): Promise<Response> {
  const body = '{"test":true}';
  const headers = schemeOf("standard").sign(Buffer.from(body), SECRET, { id: "evt_1", nowMs: Date.now() });
  return fetch(service.url, { method: "POST", body, headers, redirect: "manual" });
}

test.each([200, 204, 205, 304, 410, 503])(
  "it answers what is signed with %d, as it was told to",
  async (status) => {
    const service = await listen("--status", String(status));
    const answer = await send(service);
    expect(answer.status).toBe(status);
    const isBare = [204, 205, 304].includes(status);
    expect(await answer.text()).toBe(isBare ? "" : "ok\n");
    expect(service.output()).toContain(`POST / -> ${status}\n  standard: the signature fits`);
    expect(await service.stop()).toBe(0);
  },
);
