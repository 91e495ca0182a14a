import { loadConfig } from "../config/load.ts";
import { AppError } from "../lib/errors.ts";
import { newId } from "../lib/ids.ts";
import type { CommonOptions } from "./options.ts";
import { print, printJson } from "./output.ts";
import { addressOf, contentType, readBody, type Signing, schemeFor, secretFor } from "./webhook-signing.ts";

/** What is printed, and how the body is signed. */
export interface SignOptions extends CommonOptions, Signing {
  id?: string;
  url?: URL;
  curl?: true;
  json?: true;
}

/** Prints the headers that sign the body in a file, `-` for stdin. Throws `usage`, and what `loadConfig` throws. */
export async function printSignature(file: string, options: SignOptions): Promise<void> {
  const loaded = loadConfig(options.config === undefined ? {} : { file: options.config });
  const body = await readBody(file);
  const scheme = schemeFor(loaded, options);
  if (scheme.name === "gitlab")
    throw new AppError("usage", "GitLab signs nothing: its header X-Gitlab-Token is the secret itself.");
  const url = options.url?.href ?? addressOf(loaded, options.route);
  const { id = newId("msg"), curl, json } = options;
  const headers = scheme.sign(body, secretFor(loaded, options), { id, nowMs: Date.now(), url });
  if (json) printJson(headers);
  else if (curl) print(curlCall(file, url, { "content-type": contentType(scheme), ...headers }));
  else
    print(
      Object.entries(headers)
        .map(([name, value]) => `${name}: ${value}`)
        .join("\n"),
    );
}

function curlCall(file: string, url: string, headers: Record<string, string>): string {
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  return [
    `curl -X POST ${quoted(url)}`,
    ...Object.entries(headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    `--data-binary ${quoted(`@${file}`)}`,
  ].join(" \\\n  ");
}
