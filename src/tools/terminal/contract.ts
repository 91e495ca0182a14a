/** A directory that commands may use, at its own absolute path. */
export interface TerminalRoot {
  path: string;
  writable: boolean;
}

/** `none`: nothing around the command but a cleared environment, limits, and an end of all that it starts. */
export type SandboxKind = "bubblewrap" | "landlock" | "none";

/** Which sandbox is in force, found out by really starting a command in it. */
export interface SandboxStatus {
  /** Null: commands are refused. */
  kind: SandboxKind | null;
  /** What the sandbox in force does not keep a command from. */
  gaps: readonly string[];
  /** The better ones that do not work here: why, and how to get them. */
  missing: readonly MissingSandbox[];
}

export interface MissingSandbox {
  sandbox: "bubblewrap" | "landlock";
  reason: string;
  hint: string;
}

/** What holds for one command and all that it starts. */
export interface CommandLimits {
  /** Processes and threads. */
  processes: number;
  memoryBytes: number;
  fileBytes: number;
  /** The space that must stay free on the disks of the writable roots. */
  freeDiskBytes: number;
}

/** Everything a sandbox has to know to start one command. */
export interface CommandPlan {
  /** The command line of the shell, already with the shell before it. */
  argv: readonly string[];
  /** Existing directories without links in them, the first one first. */
  roots: readonly TerminalRoot[];
  /** Existing directories that stay shut though a root holds them. */
  closed: readonly string[];
  cwd: string;
  network: boolean;
  limits: CommandLimits;
  /** The variables of the operator. */
  env: Readonly<Record<string, string>>;
}

/** How to start a planned command: the program with its arguments, and what it is handed. */
export interface Launch {
  argv: string[];
  env: Record<string, string>;
  /** Descriptors from 4 on; closed by the caller after the start. Descriptor 3 is the go-ahead, see shell.ts. */
  descriptors: number[];
  /** Where what the command reads may lie, so that it can be opened by name once more (/dev/stdin). */
  directory: string;
  /** What ends the command with all that it has started; the signal goes to the process that was started. */
  endSignal: "SIGKILL" | "SIGTERM";
  /** Removes what was made for this one command. */
  cleanUp(): void;
}
