import { type Command, InvalidArgumentError, Option } from "commander";
import { WEBHOOK_EVENTS, type WebhookEventType } from "../config/webhook-events.ts";
import type { WebhookDeliveryStatus, WebhookFilter } from "../store/webhook-records.ts";

const STATUSES: readonly WebhookDeliveryStatus[] = ["due", "sent", "dead"];
const UNITS_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Options that say which webhooks are meant. */
export interface FilterOptions {
  status?: WebhookDeliveryStatus;
  endpoint?: string;
  event?: WebhookEventType;
  since?: number;
  until?: number;
}

/** Adds `--status`, `--endpoint`, `--event`, `--since` and `--until`. */
export function withFilterOptions(command: Command): Command {
  return command
    .addOption(new Option("--status <status>", "only these; dead: given up").choices(STATUSES))
    .option("--endpoint <name>", "only those to this endpoint")
    .addOption(new Option("--event <type>", "only these").choices(WEBHOOK_EVENTS))
    .option(
      "--since <time>",
      "made then or later: 2026-11-22T08:00:00Z, 2026-11-22, or 90m, 6h, 3d ago",
      parseMoment,
    )
    .option("--until <time>", "made before that time", parseMoment);
}

/** The filter that the options ask for. */
export function filterOf({ status, endpoint, event, since, until }: FilterOptions): WebhookFilter {
  return {
    ...(status === undefined ? {} : { status }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(event === undefined ? {} : { type: event }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  };
}

/** A time, or how long ago it was; milliseconds since the epoch. A date alone begins in the machine's time zone. */
function parseMoment(text: string): number {
  const [, number, unit = ""] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  if (number !== undefined) return Date.now() - Number(number) * (UNITS_MS[unit] ?? 0);
  const isDate = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const isTime = /^\d{4}-\d{2}-\d{2}T[\d:.]+(Z|[+-]\d{2}:\d{2})?$/.test(text);
  const ms = isDate ? Date.parse(`${text}T00:00`) : isTime ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms))
    throw new InvalidArgumentError(
      "It must be a time such as 2026-11-22T08:00:00Z, or how long ago, such as 6h.",
    );
  return ms;
}
