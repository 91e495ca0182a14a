import type { Config } from "../../config/schema.ts";
import { toAppError } from "../../lib/errors.ts";
import { splitMarkdown } from "../../platforms/split.ts";
import type { OutboundDelivery } from "../../store/records.ts";
import type { Connection } from "../contract.ts";
import { extraOf } from "../extra.ts";
import { type Words, wordsIn } from "../words.ts";
import { type Ending, questionContents } from "./answer.ts";
import { extractFiles, type OpenFile } from "./files.ts";
import type { Content } from "./outgoing.ts";

/** With one of these alone, the model says that a group needs no answer. */
const SILENCE: ReadonlySet<string> = new Set(["NO_REPLY", "[SILENT]"]);

/** What a delivery needs to become messages. */
export interface ContentParts {
  config: { readonly current: Config };
  openFile: OpenFile;
}

/** The messages of a delivery at its end; none when there is nothing to say. */
export async function contentsOf(
  delivery: OutboundDelivery,
  { run, said }: Ending,
  connection: Connection,
  parts: ContentParts,
): Promise<Content[]> {
  const { fits } = connection.platform;
  if (delivery.kind === "approval") return questionContents(delivery, fits);
  if (delivery.kind !== "answer") return split(delivery.text ?? "", fits);
  if (run === null) return [];
  const words = wordsIn(extraOf(delivery).language);
  if (run.status === "completed") return completed(run.response ?? "", delivery, connection, words, parts);
  // Stopped before anything was shown: whoever stopped it was told so.
  if (run.status === "cancelled")
    return delivery.parts.length === 0 ? [] : split(`${said}\n\n${words.stoppedMark}`, fits);
  const { code = "internal", ...error } = run.error ?? {};
  return split(words.failed({ message: "", ...error, code }), fits);
}

async function completed(
  response: string,
  delivery: OutboundDelivery,
  connection: Connection,
  words: Words,
  { config, openFile }: ContentParts,
): Promise<Content[]> {
  const { scope, caller } = extraOf(delivery);
  if (scope === "group" && SILENCE.has(response.trim())) return [];
  const { text, paths } = caller === undefined ? { text: response, paths: [] } : extractFiles(response);
  const files: Content[] = [];
  const complaints: string[] = [];
  for (const path of paths)
    try {
      const file = await openFile(path, caller, config.current.gateway.max_file_bytes);
      files.push({ markdown: "", files: [file] });
    } catch (error) {
      complaints.push(words.fileLeftOut(path, toAppError(error).message));
    }
  return [...split([text, ...complaints].join("\n\n"), connection.platform.fits), ...files];
}

function split(markdown: string, fits: (markdown: string) => boolean): Content[] {
  return splitMarkdown(markdown, fits).map((part) => ({ markdown: part.text }));
}
