import type { Part } from "../store/records.ts";
import { audioFormat } from "./audio-formats.ts";
import type { AudioPart } from "./contract.ts";
import type { Endpoint } from "./endpoint.ts";

/** The parts of a message in the OpenAI wire format; text alone as one string, which every server takes. */
export function wireParts(parts: readonly Part[], endpoint: Endpoint): string | object[] {
  if (parts.every((part) => part.type === "text")) return parts.map((part) => part.text).join("\n");
  return parts.map((part) => wirePart(part, endpoint));
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
        input_audio: { data: audioData(part, endpoint), format: audioFormat(part.mediaType) },
      };
  }
}

/** Alibaba's models take a data URL (Model Studio, Qwen-Omni), all others the bare base64. */
function audioData({ data }: AudioPart, { baseUrl }: Endpoint): string {
  const isAlibaba = /(^|\.)aliyuncs\.com$/.test(new URL(baseUrl).hostname);
  return isAlibaba ? `data:;base64,${data}` : data;
}
