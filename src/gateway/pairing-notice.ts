import { derivedId } from "../lib/ids.ts";
import type { NewOutboundDelivery, Pairing } from "../store/records.ts";
import { extraOf } from "./extra.ts";
import { wordsIn } from "./words.ts";

/** What tells somebody in their own chat that they were let in: one message for each code. */
export function pairingNotice(pairing: Pairing): NewOutboundDelivery {
  const { platform, account, userId, chat, createdAt } = pairing;
  const extra = extraOf(pairing);
  return {
    id: derivedId("dlv", "pairing", platform, account, userId, String(createdAt)),
    kind: "notice",
    target: { platform, account, chat },
    text: wordsIn(extra.language).letIn,
    extra,
  };
}
