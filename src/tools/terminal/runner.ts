import type { Config } from "../../config/schema.ts";
import type { RunningCommand } from "./command.ts";
import type { SandboxStatus } from "./contract.ts";
import type { Output, OutputSizes } from "./output.ts";

/** What a caller asks to be run. */
export interface CommandRequest {
  command: string;
  cwd?: string | undefined;
  stdin?: string | undefined;
  timeoutMs: number;
  output: OutputSizes;
}

/** How the tools run commands. */
export interface CommandRunner {
  readonly settings: Config["tools"]["terminal"];
  sandbox(): Promise<SandboxStatus>;
  /** Starts a command. The text of the problem when it cannot be run as asked; throws what the sandbox throws. */
  start(request: CommandRequest): Promise<{ running: RunningCommand; output: Output } | { problem: string }>;
}
