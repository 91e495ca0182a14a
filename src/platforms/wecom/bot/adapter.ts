import {
  type AccountSettings,
  type ConnectionHooks,
  type PlatformAdapter,
  PlatformError,
} from "../../contract.ts";
import { lacks } from "../errors.ts";
import type { Timing } from "../timing.ts";
import { openConnection } from "./connection.ts";
import { createExchanges } from "./exchanges.ts";
import { createFiles } from "./files.ts";
import type { Frame } from "./frame.ts";
import { createLink } from "./link.ts";
import { listen } from "./listen.ts";
import { createBotSending } from "./send.ts";
import { createStreams } from "./streams.ts";
import { createTake } from "./take.ts";

const ORIGIN = "wss://openws.work.weixin.qq.com";
const WELCOME = {
  zh: "你好！直接发消息就可以开始，发送 /help 查看命令。",
  en: "Hello! Just write a message to begin; /help lists the commands.",
};

/** An AI bot with a long connection, which needs no address of its own. Throws `unauthorized` where a key is missing. */
export function createBotAdapter(account: AccountSettings<"wecom">, timing: Timing): PlatformAdapter {
  const { bot_id: botId, bot_secret: secret, bot_name: botName = "" } = account;
  const place =
    "in the settings of the AI bot (智能机器人), connection (连接方式), long connection (使用长连接)";
  if (!botId) throw lacks("bot_id", `It is Bot ID ${place}.`);
  if (!secret) throw lacks("bot_secret", `It is Secret ${place}.`);
  const url = socketUrlOf(account);
  let hooks: ConnectionHooks | null = null;
  const log = (message: string, fields: Record<string, unknown>) => hooks?.log("debug", message, fields);

  const open = (onCallback: (frame: Frame) => void, onAlive: () => void, signal: AbortSignal) =>
    openConnection({ url: url.href, botId, secret, timing, onCallback, onAlive }, signal);
  const link = createLink();
  const { request } = link;
  const now = () => performance.now();
  const exchanges = createExchanges(timing.answerableMs, now);
  const streams = createStreams({ exchanges, request, timing, now, log });
  const files = createFiles(url, timing.transferMs);
  const sending = createBotSending({ exchanges, streams, request, chunkMs: timing.transferMs, log });
  const welcome = account.language === "en" ? WELCOME.en : WELCOME.zh;
  const take = createTake({ exchanges, files, timing, botName, welcome });

  return {
    async listen(given, signal) {
      hooks = given;
      await listen(
        { identity: { id: botId, name: botName || botId }, link, timing, open, take },
        given,
        signal,
      );
    },
    async close() {
      link.close();
    },
    send: sending.send,
    edit: sending.edit,
    typing: ({ chat }) => streams.showWork(chat),
    fetchFile: files.fetch,
  };
}

/** The configuration knows addresses of the web alone. */
function socketUrlOf({ api_base: base }: AccountSettings<"wecom">): URL {
  const url = URL.parse((base ?? ORIGIN).replace(/^http/i, "ws"));
  if (url !== null) return url;
  throw new PlatformError("unauthorized", "platforms.wecom.api_base is no address.", {
    hint: "Write it whole, with https://.",
  });
}
