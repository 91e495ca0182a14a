import { Command } from "commander";
import { webhookDeliveriesCommand } from "./webhook-deliveries.ts";
import { webhookEndpointsCommand } from "./webhook-endpoints.ts";
import { webhookListenCommand } from "./webhook-listen.ts";
import { webhookReplayCommand } from "./webhook-replay.ts";
import { webhookSignCommand } from "./webhook-sign.ts";
import { webhookTestCommand } from "./webhook-test.ts";

/** `hermes webhook ...`: what belongs to webhooks, in and out. */
export function webhookCommand(): Command {
  return new Command("webhook")
    .description("sign and receive webhooks, and look at those that Hermes sends")
    .addCommand(webhookTestCommand())
    .addCommand(webhookSignCommand())
    .addCommand(webhookListenCommand())
    .addCommand(webhookDeliveriesCommand())
    .addCommand(webhookReplayCommand())
    .addCommand(webhookEndpointsCommand());
}
