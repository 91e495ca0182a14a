import type { InboundFile } from "./contract.ts";

/** Files of a message that the sender replies to or passes on. What is spoken in them is not what the sender says. */
export function asForeign(files: readonly InboundFile[]): InboundFile[] {
  return files.map((file) => (file.kind === "voice" ? { ...file, kind: "audio" } : file));
}
