import { Type } from "typebox";
import { writeBeneath } from "../../lib/beneath-write.ts";
import { defineTool, type Tool } from "../contract.ts";
import { errorResult } from "../result.ts";
import { answer } from "./answer.ts";
import type { Locator } from "./locate.ts";
import { closed, pathField } from "./schema.ts";

/** Of a file that is written or edited. */
export const MAX_WRITTEN_BYTES = 5 * 1024 * 1024;

/** Writes a whole file, all or nothing. */
export function writeTool({ locate }: Locator): Tool {
  return defineTool({
    name: "file_write",
    group: "file",
    title: "Write file",
    description: "Write a whole text file; directories are made, a file that is there is replaced.",
    input: Type.Object({ path: pathField(), content: Type.String() }, closed),
    output: Type.Object({ path: Type.String(), created: Type.Boolean(), size_bytes: Type.Integer() }, closed),
    effect: "write",
    destructive: true,
    idempotent: true,
    run: ({ path, content }) =>
      answer(async () => {
        const sizeBytes = Buffer.byteLength(content);
        if (sizeBytes > MAX_WRITTEN_BYTES)
          return errorResult(`The content has ${sizeBytes} bytes; ${MAX_WRITTEN_BYTES} are the most.`);
        const { root, below, name } = locate(path, "write");
        const written = await writeBeneath(root, below, content, { makeDirectories: true });
        return {
          text: `${written.created ? "Created" : "Replaced"} ${name(below)}, ${written.sizeBytes} bytes.`,
          structured: { path: name(below), created: written.created, size_bytes: written.sizeBytes },
        };
      }),
  });
}
