import type { Config } from "../../config/schema.ts";
import { splitMarkdown } from "../../platforms/split.ts";
import type { Store } from "../../store/contract.ts";
import type { OutboundDelivery } from "../../store/records.ts";
import type { Connection } from "../contract.ts";
import { extraOf } from "../extra.ts";
import { failureOf, type Words, wordsIn } from "../words.ts";
import type { Ending } from "./answer.ts";
import { fateOf } from "./decisions.ts";
import { extractFiles, type OpenFile } from "./files.ts";
import type { KeptFiles } from "./kept-files.ts";
import { type Content, fitsIn } from "./outgoing.ts";
import { questionContents } from "./questions.ts";

/** With one of these alone, the model says that a group needs no answer. */
const SILENCE: ReadonlySet<string> = new Set(["NO_REPLY", "[SILENT]"]);

/** What a delivery needs to become messages. */
export interface ContentParts {
  config: { readonly current: Config };
  store: Pick<Store, "approvals" | "runs">;
  openFile: OpenFile;
  kept: Pick<KeptFiles, "open">;
}

/** The messages of a delivery at its end; none when there is nothing to say. */
export async function contentsOf(
  delivery: OutboundDelivery,
  { run, said }: Ending,
  connection: Connection,
  parts: ContentParts,
): Promise<Content[]> {
  const fits = fitsIn(connection);
  if (delivery.kind === "approval")
    return questionContents(delivery, await fateOf(delivery, parts.store), fits);
  if (delivery.kind === "send") return ownContents(delivery, fits, parts);
  if (delivery.kind !== "answer") return split(delivery.text ?? "", fits);
  if (run === null || run.finishReason === "steered") return []; // answered together with another message
  const words = wordsIn(extraOf(delivery).language);
  if (run.status === "completed") return completed(run.response ?? "", delivery, connection, words, parts);
  // Stopped before anything was shown: whoever stopped it was told so.
  if (run.status === "cancelled")
    return delivery.parts.length === 0 ? [] : split(`${said}\n\n${words.stoppedMark}`, fits);
  const { code = "internal", ...error } = run.error ?? {};
  return split(words.failed({ message: "", ...error, code }), fits);
}

/** The text, and then each file by itself. */
function ownContents(
  delivery: OutboundDelivery,
  fits: (markdown: string) => boolean,
  { kept }: Pick<ContentParts, "kept">,
): Content[] {
  const { id, text = "" } = delivery;
  const contents: Content[] = split(text, fits);
  for (const [index, file] of (extraOf(delivery).files ?? []).entries()) {
    contents.push({ markdown: "", file: { name: file.name, read: () => kept.open(id, index, file) } });
  }
  return contents;
}

async function completed(
  response: string,
  delivery: OutboundDelivery,
  connection: Connection,
  words: Words,
  { config, openFile }: ContentParts,
): Promise<Content[]> {
  const { scope, caller } = extraOf(delivery);
  const said = scope === "group" ? withoutSilence(response) : response;
  if (said === "") return [];
  const { text, paths } = caller === undefined ? { text: said, paths: [] } : extractFiles(said);
  const files: Content[] = [];
  const complaints: string[] = [];
  for (const path of paths)
    try {
      const file = await openFile(path, caller, config.current.gateway.max_file_bytes);
      files.push({ markdown: "", file });
    } catch (error) {
      complaints.push(words.fileLeftOut(path, failureOf(error)));
    }
  return [...split([text, ...complaints].join("\n\n"), fitsIn(connection)), ...files];
}

/** The answer without the mark of silence, which may stand behind the answer to an earlier message. */
function withoutSilence(response: string): string {
  const paragraphs = response.trim().split("\n\n");
  return SILENCE.has(paragraphs.at(-1)?.trim() ?? "") ? paragraphs.slice(0, -1).join("\n\n") : response;
}

function split(markdown: string, fits: (markdown: string) => boolean): Content[] {
  return splitMarkdown(markdown, fits).map((part) => ({ markdown: part.text }));
}
