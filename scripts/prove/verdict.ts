const SHOWN_VIOLATIONS = 20;

/** Collects what a proof finds and ends it. */
export interface Verdict {
  /** Notes something that must not happen. */
  violation(what: string): void;
  /** Prints a figure of the run. */
  figure(name: string, value: string | number): void;
  /** Prints the verdict and gives the exit code: 1 when anything was violated. */
  exitCode(): number;
}

export function createVerdict(claim: string): Verdict {
  const violations: string[] = [];
  return {
    violation: (what) => void violations.push(what),
    figure: (name, value) => console.log(`${`${name}:`.padEnd(58)} ${value}`),
    exitCode() {
      for (const what of violations.slice(0, SHOWN_VIOLATIONS)) console.log(`VIOLATION: ${what}`);
      if (violations.length > SHOWN_VIOLATIONS)
        console.log(`... and ${violations.length - SHOWN_VIOLATIONS} more`);
      console.log(
        violations.length === 0 ? `holds: ${claim}` : `DOES NOT HOLD (${violations.length}): ${claim}`,
      );
      return violations.length === 0 ? 0 : 1;
    },
  };
}

/** A whole number from the command line. */
export function readCount(text: string, name: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`--${name} takes a whole number, not ${text}`);
  return Number(text);
}
