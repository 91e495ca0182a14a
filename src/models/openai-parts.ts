import type { Part } from "../store/records.ts";
import type { AudioPart } from "./contract.ts";
import type { Endpoint } from "./endpoint.ts";
import { lackedPart } from "./senses.ts";

/** Names of formats that are not the subtype of their media type. */
const FORMATS: Readonly<Record<string, string>> = {
  mpeg: "mp3",
  mp4: "m4a",
  wave: "wav",
  "vnd.wave": "wav",
};
/** OpenAI's own models refuse every other one (Chat Completions, `input_audio.format`). */
const OPENAI_FORMATS = ["wav", "mp3"];
const OPENAI_AUDIO_MODEL = /(^|\/)gpt-(4o-(mini-)?)?audio/;

/** The parts of a message in the OpenAI wire format; text alone as one string, which every server takes. */
export function wireParts(parts: readonly Part[], endpoint: Endpoint): string | object[] {
  const taken = parts.map((part): Part => (isTaken(part, endpoint) ? part : words(part)));
  if (taken.every((part) => part.type === "text")) return taken.map((part) => part.text).join("\n");
  return taken.map((part) => wirePart(part, endpoint));
}

function wirePart(part: Part, endpoint: Endpoint): object {
  switch (part.type) {
    case "text":
      return { type: "text", text: part.text };
    case "image":
      return { type: "image_url", image_url: { url: `data:${part.mediaType};base64,${part.data}` } };
    case "audio":
      return {
        type: "input_audio",
        input_audio: { data: audioData(part, endpoint), format: formatOf(part) },
      };
  }
}

/** Alibaba's models take a data URL (Model Studio, Qwen-Omni), all others the bare base64. */
function audioData({ data }: AudioPart, { baseUrl }: Endpoint): string {
  const isAlibaba = /(^|\.)aliyuncs\.com$/.test(new URL(baseUrl).hostname);
  return isAlibaba ? `data:;base64,${data}` : data;
}

function formatOf({ mediaType }: AudioPart): string {
  const subtype = mediaType.replace(/^.*\/(x-)?/, "");
  return FORMATS[subtype] ?? subtype;
}

function isTaken(part: Part, { model }: Endpoint): boolean {
  return part.type !== "audio" || !OPENAI_AUDIO_MODEL.test(model) || OPENAI_FORMATS.includes(formatOf(part));
}

function words(part: Part): Part {
  return part.type === "text" ? part : { type: "text", text: lackedPart(part) };
}
