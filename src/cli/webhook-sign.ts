import { Command, Option } from "commander";
import { loadConfig } from "../config/load.ts";
import { AppError } from "../lib/errors.ts";
import { newId } from "../lib/ids.ts";
import { SCHEME_NAMES } from "../webhooks/contract.ts";
import { type CommonOptions, parseUrl, withConfigOption, withJsonOption } from "./options.ts";
import { print, printJson } from "./output.ts";
import { addressOf, contentType, type Signing, schemeFor, secretFor } from "./webhook-signing.ts";

interface SignOptions extends CommonOptions, Signing {
  id?: string;
  url?: URL;
  curl?: true;
  json?: true;
}

/** `hermes webhook sign`: the headers that prove a body, as a sender makes them. Secrets are no arguments: others see those. */
export function webhookSignCommand(): Command {
  return withJsonOption(withConfigOption(new Command("sign")))
    .description("print the headers that sign a webhook, or the call of curl that sends it")
    .argument("<file>", "file with the body; - for stdin")
    .addOption(
      new Option("--scheme <scheme>", "how it is signed; default: as the route says, or hermes").choices(
        SCHEME_NAMES,
      ),
    )
    .option("--route <name>", "sign for this route, with its secret")
    .option("--secret-env <variable>", "environment variable with the secret, instead of the configured one")
    .option("--id <id>", "id of the event, for schemes that sign one; default: a new one")
    .option(
      "--url <address>",
      "where it is sent, for schemes that sign it; default: the configured address",
      parseUrl,
    )
    .option("--curl", "print the call of curl that sends it")
    .action(async (file: string, options: SignOptions) => {
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
    });
}

async function readBody(file: string): Promise<Uint8Array> {
  const source = file === "-" ? Bun.stdin : Bun.file(file);
  try {
    return await source.bytes();
  } catch (cause) {
    throw new AppError("usage", `${file} cannot be read.`, {
      cause,
      hint: "Name a file with the body, or - for stdin.",
    });
  }
}

function curlCall(file: string, url: string, headers: Record<string, string>): string {
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  return [
    `curl -X POST ${quoted(url)}`,
    ...Object.entries(headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    `--data-binary ${quoted(`@${file}`)}`,
  ].join(" \\\n  ");
}
