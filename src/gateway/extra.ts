import type { Caller } from "../tools/contract.ts";
import type { KeptFile } from "./deliver/kept-files.ts";
import type { Language } from "./language.ts";

/** What the gateway keeps with a delivery besides its target. */
export interface DeliveryExtra {
  language: Language;
  scope: "direct" | "group";
  /** Who asked, for platforms that must be told whom a growing message is for. */
  recipient?: { user: string; space?: string };
  /** The message that was asked with, for reactions. */
  askedWith?: string;
  /** For a question: what it is that waits for a decision. */
  approval?: { runId: string; approvalId: string };
  /** Whom the agent speaks with: what files may go out depends on it. */
  caller?: Caller;
  /** Files that were copied for it. */
  files?: readonly KeptFile[];
}

/** What was kept with a delivery; the least there may be for one that came by command. */
export function extraOf({ extra }: { extra?: unknown }): DeliveryExtra {
  // Written by the gateway alone.
  return (extra as DeliveryExtra | undefined) ?? { language: "en", scope: "direct" };
}
