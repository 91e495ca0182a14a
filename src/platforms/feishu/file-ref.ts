/** Where the bytes of a file are, as `InboundFile.ref` tells it. */
export interface FileRef {
  messageId: string;
  /** As the download wants it: pictures, or anything else. */
  type: "image" | "file";
  key: string;
}

export function fileRef({ messageId, type, key }: FileRef): string {
  return `${type}:${messageId}:${key}`;
}

/** The parts of a ref; null for what is none. */
export function readFileRef(ref: string): FileRef | null {
  const [, type, messageId, key] = /^(image|file):([\w-]+):(.+)$/.exec(ref) ?? [];
  if (messageId === undefined || key === undefined) return null;
  return { messageId, type: type === "image" ? "image" : "file", key };
}
