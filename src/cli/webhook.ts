import { Command } from "commander";
import { webhookSignCommand } from "./webhook-sign.ts";

/** `hermes webhook ...`: what belongs to webhooks, in and out. */
export function webhookCommand(): Command {
  return new Command("webhook").description("sign webhooks").addCommand(webhookSignCommand());
}
