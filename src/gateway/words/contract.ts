/** What a run's end is told with. */
export interface Failure {
  code: string;
  message: string;
  hint?: string;
}

/** Hermes's own words in a chat, in Markdown. */
export interface Words {
  help(commands: readonly { name: string; usage: string; description: string }[]): string;
  newSession: string;
  stopped(runs: number): string;
  nothingRuns: string;
  /** Below what there is of an answer that was stopped. */
  stoppedMark: string;
  status(facts: StatusFacts): string;
  modelIs(model: string, isChosenHere: boolean): string;
  modelNow(model: string): string;
  modelBack(model: string): string;
  whoami(facts: WhoFacts): string;
  undone(text: string): string;
  nothingToUndo: string;
  nothingToRetry: string;
  stillBusy: string;
  approvalAsked(question: string, details: string): string;
  approve: string;
  deny: string;
  approved: string;
  denied: string;
  /** Of a question whose run has ended. */
  withdrawn: string;
  nothingToApprove: string;
  unknownCommand(name: string, near: string | undefined): string;
  pairingCode(code: string, command: string): string;
  /** Who chose the name is a stranger until then. */
  paired(who: string): string;
  letIn: string;
  pairingWrong: string;
  notYours: string;
  failed(failure: Failure): string;
  /** `why`: what an error says, or a platform, by the kind of its refusal. */
  fileLeftOut(name: string, why: Failure): string;
  working(tool: string): string;
}

/** What `/status` tells. */
export interface StatusFacts {
  model: string;
  session: string;
  messages: number;
  running: number;
  queued: number;
}

/** What `/whoami` tells. */
export interface WhoFacts {
  platform: string;
  user: string;
  chat: string;
  thread: string | undefined;
  bot: string | null;
  /** What to write into the configuration. */
  settings: string;
}
