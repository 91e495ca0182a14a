import type { BotFrame, Failure } from "./bot-contract.ts";

/** Which frames of the bot fail. */
export interface BotFailures {
  ofCommand(cmd: string, failure: Failure, times: number): void;
  ofTexts(errcode: number, times: number): void;
  ofSigns(): void;
  /** How this frame fails; undefined where it does not. */
  take(frame: BotFrame): Failure | undefined;
}

/** `textIn`: the text of a frame; empty for a sign of being at work, null for a frame without one. */
export function createBotFailures(
  textIn: (cmd: string, body: Record<string, unknown>) => string | null,
): BotFailures {
  const byCommand = new Map<string, Failure[]>();
  const ofTexts: Failure[] = [];
  let failsSigns = false;
  return {
    ofCommand(cmd, failure, times) {
      byCommand.set(cmd, [...(byCommand.get(cmd) ?? []), ...Array.from({ length: times }, () => failure)]);
    },
    ofTexts: (errcode, times) => void ofTexts.push(...Array.from({ length: times }, () => ({ errcode }))),
    ofSigns() {
      failsSigns = true;
    },
    take({ cmd = "", body = {} }) {
      const failure = byCommand.get(cmd)?.shift();
      if (failure !== undefined) return failure;
      const text = textIn(cmd, body);
      if (text === "") return failsSigns ? { errcode: 846605 } : undefined;
      return text === null ? undefined : ofTexts.shift();
    },
  };
}
