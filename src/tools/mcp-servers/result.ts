import type { CallToolResult } from "@modelcontextprotocol/client";
import type { ToolImage, ToolResult } from "../contract.ts";
import { MAX_IMAGE_BYTES, SEEN_IMAGE_TYPES } from "../images.ts";
import { cutText } from "../text.ts";
import { removeTemplateTokens, wrapUntrusted } from "../untrusted.ts";
import type { OutsideDefinition } from "./definition.ts";
import { oneLine } from "./outside-text.ts";
import { fitsSchema } from "./structured.ts";

/** An outside result cannot be read on from where it was cut, so it gets more room than a page of our own. */
const MAX_TEXT_CHARS = 40_000;
const MAX_STRUCTURED_CHARS = 40_000;
const MAX_IMAGES = 4;

type Block = CallToolResult["content"][number];

/** What an outside server answered, as a result of Hermes: its text marked as untrusted, everything within limits. */
export async function toToolResult(
  server: string,
  { outputSchema }: OutsideDefinition,
  answer: CallToolResult,
): Promise<ToolResult> {
  const images: ToolImage[] = [];
  const said = answer.content.map((block) => describe(block, images)).filter((text) => text !== "");
  const data = answer.structuredContent;
  const json = data === undefined ? "" : JSON.stringify(data);
  if (said.length === 0) said.push(json === "" ? "(nothing)" : json);
  const structured =
    data !== undefined &&
    !answer.isError &&
    outputSchema !== null &&
    json.length <= MAX_STRUCTURED_CHARS &&
    (await fitsSchema(outputSchema, data));
  return {
    text: untrustedText(said.join("\n\n"), server),
    ...(structured && { structured: data }),
    ...(images.length > 0 && { images }),
    ...(answer.isError && { isError: true }),
  };
}

/** Text of an outside server between marks. It is cut before, so that the end mark is never lost. */
export function untrustedText(text: string, server: string): string {
  return wrapUntrusted(cutText(removeTemplateTokens(text), MAX_TEXT_CHARS), `mcp:${server}`);
}

/** The block as text; an image that is passed on is added to `images`. */
function describe(block: Block, images: ToolImage[]): string {
  switch (block.type) {
    case "text":
      return block.text;
    case "image":
      return describeBytes("image", block.mimeType, block.data, images);
    case "audio":
      return describeBytes("audio", block.mimeType, block.data, images);
    case "resource_link":
      return `[link to ${oneLine(block.uri, 500)}: ${oneLine(block.name, 200)}]`;
    case "resource": {
      const { resource } = block;
      const head = `[resource ${oneLine(resource.uri, 500)}]`;
      if ("text" in resource) return `${head}\n${resource.text}`;
      return `${head} ${describeBytes("file", resource.mimeType ?? "of unknown type", resource.blob, images)}`;
    }
  }
}

function describeBytes(what: string, mediaType: string, data: string, images: ToolImage[]): string {
  const sizeBytes = Buffer.byteLength(data, "base64");
  const shown = `${what} ${oneLine(mediaType, 100)}, ${sizeBytes} bytes`;
  if (!SEEN_IMAGE_TYPES.includes(mediaType)) return `[${shown}: not passed on]`;
  if (images.length === MAX_IMAGES || sizeBytes > MAX_IMAGE_BYTES) return `[${shown}: left out, too much]`;
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(data)) return `[${shown}: left out, not base64]`;
  images.push({ mediaType, data });
  return `[${shown}: image ${images.length}]`;
}
