import { Command, Option } from "commander";
import { SCHEME_NAMES } from "../config/scheme-names.ts";
import { parseUrl, withConfigOption, withJsonOption } from "./options.ts";
import type { TestOptions } from "./webhook-test-run.ts";

/** `hermes webhook test`: sends a signed event to the Hermes that runs, and shows what becomes of it until it is done. */
export function webhookTestCommand(): Command {
  return withJsonOption(withConfigOption(new Command("test")))
    .description("send a signed event to the running Hermes, and show the whole life of it")
    .option("--route <name>", "to this route, signed with its secret; default: to the endpoint itself")
    .option("--data <file>", 'file with the body, - for stdin; default: {"test": true} with an id of its own')
    .addOption(
      new Option("--scheme <scheme>", "how it is signed; default: as the route says, or hermes").choices(
        SCHEME_NAMES,
      ),
    )
    .option("--secret-env <variable>", "environment variable with the secret, instead of the configured one")
    .option(
      "--url <address>",
      "where it is sent; default: where the Hermes of this home takes webhooks",
      parseUrl,
    )
    .action(async (options: TestOptions) => {
      const { testWebhook } = await import("./webhook-test-run.ts");
      await testWebhook(options);
    });
}
