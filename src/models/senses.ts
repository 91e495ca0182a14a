import type { Part } from "../store/records.ts";
import type { AudioPart, ImagePart, Model, ModelInfo, ModelMessage, ModelRequest } from "./contract.ts";

/** What a model takes besides text. */
export interface Senses extends Pick<ModelInfo, "images" | "audio"> {
  /** Of recordings, those of these media types; absent: all. */
  hears?: Model["hears"];
}

/** Words in place of a part. */
type Words = (part: ImagePart | AudioPart) => string;

/** In place of what was said before, and of what a tool found. */
export const hiddenPart: Words = (part) =>
  `[${nameOf(part)} was here. It is not ${part.type === "image" ? "shown" : "played"} to you.]`;

/** In place of what the user has just sent, who shall know that it was in vain. */
export const lackedPart: Words = (part) =>
  `[${nameOf(part)} was here. You cannot ${part.type === "image" ? "see" : "hear"} it: say so.]`;

function nameOf({ type, mediaType }: ImagePart | AudioPart): string {
  return `${type === "image" ? "An image" : "A recording"} (${mediaType})`;
}

/** The parts with words in place of what is not taken. */
export function fitParts(parts: readonly Part[], { images, audio, hears }: Senses, words: Words): Part[] {
  const isTaken = (part: ImagePart | AudioPart) =>
    part.type === "image" ? images : audio && (hears?.(part.mediaType) ?? true);
  return parts.map((part) =>
    part.type === "text" || isTaken(part) ? part : { type: "text", text: words(part) },
  );
}

/** The request as this model takes it: one that stands in for another may take less. */
export function fitRequest(request: ModelRequest, senses: Senses): ModelRequest {
  if (senses.images && senses.audio && senses.hears === undefined) return request;
  const lastUser = request.messages.findLastIndex((message) => message.role === "user");
  const messages = request.messages.map((message, index) =>
    fitMessage(message, senses, index === lastUser ? lackedPart : hiddenPart),
  );
  return { ...request, messages };
}

function fitMessage(message: ModelMessage, senses: Senses, words: Words): ModelMessage {
  if (message.role === "user") return { ...message, parts: fitParts(message.parts, senses, words) };
  if (message.role !== "tool" || !message.images || senses.images) return message;
  const { images, text, ...rest } = message;
  return { ...rest, text: [text, ...images.map(hiddenPart)].join("\n") };
}
