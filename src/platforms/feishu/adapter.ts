import type { AccountSettings, ConnectionHooks, PlatformAdapter } from "../contract.ts";
import { createFeishuApi } from "./api.ts";
import { createCardKit } from "./card-kit.ts";
import { fetchFile } from "./fetch-file.ts";
import { createIdentify } from "./identity.ts";
import { createIntake } from "./intake.ts";
import { listen } from "./listen.ts";
import { createMessages } from "./messages.ts";
import { createPeople } from "./people.ts";
import { createReact } from "./reactions.ts";
import { createSending } from "./send.ts";
import { createStreams } from "./streams.ts";
import { TIMING, type Timing } from "./timing.ts";
import { createWebhook } from "./webhook.ts";

/** Makes the adapter of an account. Throws `unauthorized` for one without credentials. */
export function createAdapter(account: AccountSettings<"feishu">, timing: Timing = TIMING): PlatformAdapter {
  const api = createFeishuApi(account, timing);
  let connection: ConnectionHooks | null = null;
  const note: ConnectionHooks["log"] = (...told) => connection?.log(...told);
  const noteDebug = (message: string, fields: Record<string, unknown>) => note("debug", message, fields);

  const identify = createIdentify(api);
  const take = createIntake({ api, identify, people: createPeople(api, noteDebug), timing });
  const messages = createMessages(api);
  const streams = createStreams({ cardKit: createCardKit(api), messages, note });
  return {
    ...createSending({ api, messages, streams, timing }),
    async listen(hooks, signal) {
      connection = hooks;
      await listen({ account, api, identify, take, timing }, hooks, signal);
    },
    webhook: createWebhook(account, take),
    react: createReact(api, note),
    fetchFile: (file, maxBytes, signal) => fetchFile(api, file, maxBytes, signal),
  };
}
