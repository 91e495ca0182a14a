import type { Account } from "../config/accounts.ts";
import type { Pairing } from "../store/records.ts";

/** Who may write to an account. */
export interface Writers {
  /** False while nobody may. */
  some: boolean;
  /** As a part of a sentence. */
  text: string;
  /** How to let somebody in, as one sentence; only while nobody may. */
  advice?: string;
}

/** Who may write to an account in a direct chat: by the configuration, and by a code. */
export function writersOf({ platform, name, settings }: Account, pairings: readonly Pairing[]): Writers {
  const listed = new Set(settings.allowed_users.map(String));
  if (listed.has("*")) return { some: true, text: "everybody may write" };
  const paired = pairings.filter(
    (one) =>
      one.status === "approved" &&
      one.platform === platform &&
      one.account === name &&
      !listed.has(one.userId),
  ).length;
  const count = listed.size + paired;
  const by = paired === 0 ? "" : `, ${paired === count ? "" : `${paired} of them `}let in by a code`;
  if (count > 0) return { some: true, text: `${count} ${count === 1 ? "person" : "people"} may write${by}` };
  if (settings.pairing)
    return {
      some: false,
      text: "nobody may write yet, because allowed_users is empty",
      advice: `Write to the bot: it gives you a code; then \`hermes pairing approve ${platform} CODE\`.`,
    };
  return {
    some: false,
    text: "nobody may write, because allowed_users is empty and pairing is off",
    advice: `Add your id to platforms.${platform}.allowed_users.`,
  };
}
