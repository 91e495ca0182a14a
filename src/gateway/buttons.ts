import type { Button } from "../platforms/contract.ts";
import type { Words } from "./words.ts";

/** The buttons below a question. A value names the question alone: who may decide it is looked up when one is pressed. */
export function approvalButtons(approvalId: string, words: Words): Button[] {
  return [
    { label: words.approve, value: `y:${approvalId}`, style: "good" },
    { label: words.deny, value: `n:${approvalId}`, style: "bad" },
  ];
}

/** What a pressed button decides; null for one that is not of these. */
export function decisionOf(value: string): { approvalId: string; approved: boolean } | null {
  const [, answer, approvalId] = /^([yn]):(apr_[a-z0-9]+)$/.exec(value) ?? [];
  return approvalId === undefined ? null : { approvalId, approved: answer === "y" };
}
