import type { InboundMessage } from "../contract.ts";
import { fieldsOf, textOf } from "../fields.ts";

/** What a button carries besides its value: the event of its press tells neither of these. */
export interface ButtonValue {
  value: string;
  thread?: string;
  scope?: InboundMessage["scope"];
}

/** As it stands in a card. */
export function toButtonValue({ value, thread, scope }: ButtonValue): Record<string, string> {
  return {
    hermes: value,
    ...(thread === undefined ? {} : { thread }),
    ...(scope === undefined ? {} : { scope }),
  };
}

/** As it comes back; null for what is no button of ours. */
export function fromButtonValue(given: unknown): ButtonValue | null {
  const fields = fieldsOf(given);
  const [value, thread, scope] = [textOf(fields["hermes"]), textOf(fields["thread"]), fields["scope"]];
  if (value === "") return null;
  return {
    value,
    ...(thread === "" ? {} : { thread }),
    ...(scope === "direct" || scope === "group" ? { scope } : {}),
  };
}
