import { Command } from "commander";
import { webhookSignCommand } from "./webhook-sign.ts";
import { webhookTestCommand } from "./webhook-test.ts";

/** `hermes webhook ...`: what belongs to webhooks, in and out. */
export function webhookCommand(): Command {
  return new Command("webhook")
    .description("sign webhooks, and try them out")
    .addCommand(webhookTestCommand())
    .addCommand(webhookSignCommand());
}
