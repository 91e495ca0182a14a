import { Command, InvalidArgumentError } from "commander";
import { parsePort, withConfigOption, withJsonOption } from "./options.ts";
import type { ListenOptions } from "./webhook-receiver.ts";

const DEFAULT_PORT = 9_000;

/** `hermes webhook listen`: a receiver for trials, which prints what comes and whether its signatures fit. */
export function webhookListenCommand(): Command {
  return withJsonOption(withConfigOption(new Command("listen")))
    .description("receive webhooks on this machine, print them and verify their signatures")
    .option("--port <port>", "port to listen on, 0 for any free one", parsePort, DEFAULT_PORT)
    .option("--status <code>", "what to answer what is signed", parseStatus, 200)
    .option("--secret-env <variable>", "environment variable with the secret, instead of the configured ones")
    .action(async (options: ListenOptions) => {
      const { receiveWebhooks } = await import("./webhook-receiver.ts");
      await receiveWebhooks(options);
    });
}

function parseStatus(text: string): number {
  const status = Number(text);
  if (!/^[2-5]\d\d$/.test(text)) throw new InvalidArgumentError("It must be an HTTP status from 200 to 599.");
  return status;
}
