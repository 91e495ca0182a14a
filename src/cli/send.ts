import { Command, InvalidArgumentError } from "commander";
import { parseChatAddress } from "../config/chat-address.ts";
import { AppError } from "../lib/errors.ts";
import type { OutboundDelivery } from "../store/records.ts";
import { deliveryJson, targetOf } from "./delivery-json.ts";
import { holderName } from "./holder.ts";
import { type CommonOptions, withConfigOption, withJsonOption } from "./options.ts";
import { print, printJson, say, withProgress } from "./output.ts";
import { parsePlatform } from "./platform-names.ts";
import { Interrupted } from "./report.ts";
import { stopSignals } from "./signals.ts";

interface SendOptions extends CommonOptions {
  to: Address;
  file?: string[];
  json?: true;
}

interface Address {
  account: string;
  chat: string;
  thread?: string;
}

const PATIENCE_MS = 30_000;
/** Files take their time. */
const FILES_PATIENCE_MS = 150_000;
const MAX_FILES = 10;

/** `hermes send`: a message of the operator's to a chat, through the gateway that runs or without one. */
export function sendCommand(): Command {
  return withJsonOption(withConfigOption(new Command("send")))
    .description("send a message to a chat")
    .argument(
      "[text...]",
      "what to say, as Markdown; - for stdin, which is read also where there is neither text nor file",
    )
    .requiredOption(
      "--to <address>",
      "platform:chat or platform:chat:thread, such as telegram:123456789; telegram.work:... for an account",
      parseAddress,
    )
    .option("--file <path>", "a file to be sent after the text; repeat it for more, up to 10", collect)
    .action(async (words: string[], { to, file: files = [], json, ...options }: SendOptions) => {
      const isOnStdin = words.join() === "-" || (words.length === 0 && files.length === 0);
      const text = (isOnStdin ? await readStdin() : words.join(" ")).trimEnd();
      if (text.trim() === "" && files.length === 0) throw noText();
      if (files.length > MAX_FILES)
        throw new AppError("usage", `${MAX_FILES} files are the most in one message.`);
      const { sendMessage } = await import("../app/send.ts");
      const { stopped } = stopSignals();
      const interrupt = new AbortController();
      void stopped.then(() => interrupt.abort());
      const patienceMs = files.length === 0 ? PATIENCE_MS : FILES_PATIENCE_MS;
      const signal = AbortSignal.any([interrupt.signal, AbortSignal.timeout(patienceMs)]);
      const sending = sendMessage(
        { ...to, text, files },
        { ...options, holder: holderName("hermes send"), signal },
      );
      const { delivery, problem } = await withProgress("sending", sending);
      if (json) printJson(deliveryJson(delivery));
      else if (problem === null) print(wordsOf(delivery));
      if (problem === null) return;
      if (!interrupt.signal.aborted) throw notSent(delivery, problem);
      say(`It stays in the outbox as ${delivery.id}.`);
      throw new Interrupted("interrupted");
    });
}

/** `telegram:CHAT`, `telegram.work:CHAT:THREAD`. */
function parseAddress(text: string): Address {
  const address = parseChatAddress(text);
  if (address === null) throw new InvalidArgumentError("It must be an address such as telegram:123456789.");
  const { platform, account, chat, thread } = address;
  return {
    account: account === undefined ? parsePlatform(platform) : `${parsePlatform(platform)}.${account}`,
    chat,
    ...(thread === undefined ? {} : { thread }),
  };
}

function collect(path: string, before: string[] = []): string[] {
  return [...before, path];
}

async function readStdin(): Promise<string> {
  return process.stdin.isTTY ? "" : (await Bun.stdin.text()).trimEnd();
}

function noText(): AppError {
  return new AppError("usage", "There is nothing to send.", {
    hint: 'Give it as an argument: hermes send --to telegram:123456789 "hello"',
  });
}

function wordsOf({ id, target, parts }: OutboundDelivery): string {
  const messages = parts.map(({ messageId }) => messageId).join(", ");
  return `Sent to ${targetOf(target)} as ${id}, message ${messages}`;
}

function notSent({ id, status }: OutboundDelivery, { message, hint }: { message: string; hint?: string }) {
  if (status === "dead")
    return new AppError("conflict", `It cannot be sent: ${message}`, {
      hint: hint ?? `\`hermes deliveries retry ${id}\` tries again.`,
    });
  const outlook = `It stays in the outbox and is tried again; \`hermes deliveries show ${id}\` tells how it is.`;
  return new AppError("not_ready", `It is not sent yet: ${message}`, {
    hint: hint === undefined ? outlook : `${hint} ${outlook}`,
  });
}
