import { Command, Option } from "commander";
import { SCHEME_NAMES } from "../config/scheme-names.ts";
import { parseUrl, withConfigOption, withJsonOption } from "./options.ts";
import type { SignOptions } from "./webhook-sign-run.ts";

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
      const { printSignature } = await import("./webhook-sign-run.ts");
      await printSignature(file, options);
    });
}
