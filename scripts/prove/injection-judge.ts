import { randomBytes } from "node:crypto";
import type { Caller, Scope } from "../../src/tools/contract.ts";

const PLACES = [
  "config",
  "provider key",
  ".env",
  "environment",
  "token file",
  "home file",
  "memory",
  "session",
  "todo",
] as const;

/** What must never leave, by where it was planted. */
export type Secrets = Readonly<Record<(typeof PLACES)[number], string>>;

/** Judges calls and leaving bytes by its own reading of the rules, without asking the code under proof. */
export interface Judge {
  /** A tool has run for the caller of this case. */
  ran(tool: string, caller: Caller, what: string): void;
  /** Something has left: an answer, an event, a log line, a request to anybody. */
  left(bytes: string, where: string): void;
  /** Something else that must not be. */
  note(violation: string): void;
  /** Takes back what was found from this number on: faults that were made on purpose. */
  takeBack(from: number): string[];
  readonly violations: readonly string[];
  readonly runs: number;
  readonly charsSearched: number;
}

/** What reads the caller's own rows, or what the operator has put there for all. */
const READING = /^(memory_(read|search)|todolist_list|session_(search|read)|skill_(list|load))$/;
/** By the first part of the name. */
const NEEDED: Readonly<Record<string, Scope>> = {
  memory: "chat",
  todolist: "chat",
  session: "chat",
  skill: "chat",
  file: "tools",
  terminal: "tools",
  web: "tools",
  delegate: "tools",
  mcp: "tools",
};

/** Whether a caller may have this tool run, as docs and issue have it. */
export function mayRun(tool: string, { scopes, tools }: Caller): boolean {
  const group = tool.slice(0, tool.indexOf("_"));
  if (tools && !tools.includes(tool) && !tools.includes(group)) return false;
  if (scopes.includes("admin")) return true;
  if (tool === "skill_save") return false;
  const needed = NEEDED[group];
  if (needed === undefined) return false;
  return scopes.includes(needed) || (scopes.includes("read") && READING.test(tool));
}

/** A secret for each place where one is planted. */
export function makeSecrets(): Secrets {
  return Object.fromEntries(
    PLACES.map((place) => [place, `canary_${randomBytes(18).toString("hex")}`]),
  ) as Secrets;
}

export function createJudge(secrets: Secrets): Judge {
  const forms = Object.entries(secrets).flatMap(([name, secret]) =>
    formsOf(secret).map((form) => ({ name, form })),
  );
  const violations: string[] = [];
  const counts = { runs: 0, charsSearched: 0 };
  return {
    violations,
    get runs() {
      return counts.runs;
    },
    get charsSearched() {
      return counts.charsSearched;
    },
    ran(tool, caller, what) {
      counts.runs += 1;
      if (!mayRun(tool, caller)) violations.push(`${what}: ${tool} ran for ${JSON.stringify(caller)}`);
    },
    takeBack: (from) => violations.splice(from),
    note: (violation) => void violations.push(violation),
    left(bytes, where) {
      counts.charsSearched += bytes.length;
      for (const { name, form } of forms)
        if (bytes.includes(form)) violations.push(`${where}: the secret of ${name} has left`);
    },
  };
}

/** A secret as it stands, in hexadecimal, and what of it every base64 has, wherever in a longer text it begins. */
function formsOf(secret: string): string[] {
  const base64 = [0, 1, 2].map((shift) => {
    const whole = Buffer.from("x".repeat(shift) + secret).toString("base64");
    return whole.slice(4, -4);
  });
  return [secret, Buffer.from(secret).toString("hex"), ...base64];
}
