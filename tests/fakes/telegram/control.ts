import type { IncomingMessage, ServerResponse } from "node:http";
import type { FakeTelegram } from "./contract.ts";
import { readParams } from "./request.ts";

/**
 * The control of a fake from another process: `POST /_write {text, ...}`, `/_inject`, `/_redeliver {which}`,
 * `/_fail {method, ...}`, and `GET /_calls?method=`, `/_messages?chat=`. False for a path that is none of these.
 */
export async function answerControl(
  fake: Pick<FakeTelegram, "write" | "inject" | "redeliver" | "fail" | "calls" | "messages">,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const path = new URL(request.url ?? "/", "http://fake").pathname;
  if (!path.startsWith("/_")) return false;
  const params = await readParams(request);
  const { text, method, which, ...rest } = params.all as Record<string, never>;
  const actions: Record<string, () => unknown> = {
    "/_write": () => fake.write(text ?? "", rest),
    "/_inject": () => fake.inject(rest),
    "/_redeliver": () => fake.redeliver(which ?? 1),
    "/_fail": () => fake.fail(method ?? "*", rest),
    "/_calls": () => fake.calls(method),
    "/_messages": () =>
      fake
        .messages(params.number("chat", 0))
        .map((message) => ({ ...message, file: message.file?.name ?? null })),
  };
  const act = actions[path];
  response.writeHead(act ? 200 : 404, { "content-type": "application/json" });
  response.end(JSON.stringify(act?.() ?? null));
  return true;
}
