import type { IncomingMessage } from "node:http";
import { Refusal } from "./contract.ts";

/** A file that came with a call. */
export interface UploadedFile {
  name: string;
  bytes: Uint8Array;
}

/** The parameters of a call, whichever way they came: the Bot API takes them all. */
export interface Params {
  readonly all: Readonly<Record<string, unknown>>;
  readonly files: ReadonlyMap<string, UploadedFile>;
  /** Empty when it is missing. */
  text(name: string): string;
  number(name: string, missing: number): number;
  flag(name: string): boolean;
  /** An object or a list; undefined when it is missing. */
  object<T>(name: string): T | undefined;
}

/** Reads the parameters from the query and from a body of JSON, of a form, or in parts. */
export async function readParams(request: IncomingMessage): Promise<Params> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk as Uint8Array);
  const body = Buffer.concat(chunks);
  const type = request.headers["content-type"] ?? "";
  const query = new URL(request.url ?? "/", "http://fake").searchParams;
  const files = new Map<string, UploadedFile>();
  const all: Record<string, unknown> = Object.fromEntries(query);
  if (type.startsWith("application/json")) Object.assign(all, JSON.parse(body.toString() || "{}"));
  else if (type.startsWith("multipart/form-data")) await readForm(body, type, all, files);
  else if (body.length > 0) Object.assign(all, Object.fromEntries(new URLSearchParams(body.toString())));
  return params(all, files);
}

async function readForm(
  body: Buffer,
  type: string,
  all: Record<string, unknown>,
  files: Map<string, UploadedFile>,
) {
  const form = await new Response(new Uint8Array(body), { headers: { "content-type": type } }).formData();
  const entries = [...form.entries()] as unknown as [string, string | File][];
  for (const [name, value] of entries)
    if (typeof value === "string") all[name] = value;
    else files.set(name, { name: value.name, bytes: await value.bytes() });
}

function params(all: Record<string, unknown>, files: Map<string, UploadedFile>): Params {
  return {
    all,
    files,
    text: (name) => (all[name] === undefined ? "" : String(all[name])),
    number: (name, missing) => (all[name] === undefined ? missing : Number(all[name])),
    flag: (name) => /^(true|1|yes)$/i.test(String(all[name] ?? "")),
    object<T>(name: string) {
      const value = all[name];
      if (typeof value !== "string") return value as T | undefined;
      try {
        return JSON.parse(value) as T;
      } catch {
        throw new Refusal(400, `Bad Request: can't parse ${name.replaceAll("_", " ")} JSON object`);
      }
    },
  };
}
