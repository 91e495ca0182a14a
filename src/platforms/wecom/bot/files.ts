import { setNewest } from "../../../lib/newest.ts";
import { type FetchedFile, type InboundFile, PlatformError } from "../../contract.ts";
import { readUpTo, requestBytes } from "../../json-api.ts";
import { typeByName } from "../../media-type.ts";
import { decryptBytes } from "../../weixin-cipher.ts";
import { describedBy } from "../../weixin-media.ts";
import type { BotFile, Said } from "./parse.ts";

/** Files that came with messages. Their addresses live for five minutes and their keys are secret: both stay in memory. */
export interface Files {
  /** The files of a message as the gateway gets them. */
  keep(said: Said): InboundFile[];
  fetch(file: InboundFile, maxBytes: number, signal: AbortSignal): Promise<FetchedFile>;
}

const MAX_KEPT = 1000;
const KEY_BYTES = 32;
const PADDED_BYTES = 32;

/** `home`: the server of the bot, which may have files without TLS where the operator has chosen it. */
export function createFiles(home: URL, timeoutMs: number): Files {
  const kept = new Map<string, BotFile>();
  return {
    keep({ message, files }) {
      return files.map((file, index) => {
        const ref = `${message.id}:${index}`;
        setNewest(kept, ref, file, MAX_KEPT);
        return { kind: file.kind, ref };
      });
    },
    async fetch({ ref }, maxBytes, signal) {
      const file = kept.get(ref);
      if (file === undefined)
        throw new PlatformError("refused", "WeCom hands out a file for five minutes alone.");
      const url = URL.parse(file.url);
      if (url === null || (url.protocol !== "https:" && url.hostname !== home.hostname))
        throw new PlatformError("refused", "The file is not on a server of WeCom.");
      const answer = await requestBytes("WeCom", { method: "GET", url, timeoutMs, signal });
      if (!answer.ok) throw refusal(answer.status);
      const encrypted = await readUpTo("WeCom", answer, maxBytes + PADDED_BYTES, signal);
      const bytes = opened(encrypted, file.aesKey);
      if (bytes.byteLength > maxBytes)
        throw new PlatformError("refused", `The file is larger than ${maxBytes} bytes.`);
      const { name = "", mediaType = typeByName(name) } = describedBy(answer.headers);
      return { bytes, mediaType, ...(name === "" ? {} : { name }) };
    },
  };
}

function opened(encrypted: Uint8Array, aesKey: string): Uint8Array {
  if (aesKey === "") return encrypted;
  const key = Buffer.from(aesKey, "base64");
  const bytes = key.length === KEY_BYTES ? decryptBytes(encrypted, key) : null;
  if (bytes === null) throw new PlatformError("refused", "The file cannot be decrypted.");
  return bytes;
}

function refusal(status: number): PlatformError {
  const kind = status === 429 || status >= 500 ? "unavailable" : "refused";
  return new PlatformError(kind, `WeCom answered with ${status} instead of the file.`);
}
