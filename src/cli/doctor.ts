import { Command } from "commander";
import { AppError } from "../lib/errors.ts";
import type { DoctorCheck } from "./doctor-check.ts";
import { type CommonOptions, withConfigOption, withJsonOption } from "./options.ts";
import { print, printable, printJson, withProgress } from "./output.ts";
import { AlreadyTold } from "./report.ts";

interface DoctorOptions extends CommonOptions {
  json?: true;
}

/** `hermes doctor`: looks at everything that Hermes needs; fails when something keeps it from working. */
export function doctorCommand(): Command {
  return withJsonOption(withConfigOption(new Command("doctor")))
    .description("find out what is wrong here, and which sandbox commands run in")
    .action(async (options: DoctorOptions) => {
      const { examine } = await import("./doctor-checks.ts");
      const checks = await withProgress("looking around", examine(options.config));
      const ok = checks.every(({ status }) => status !== "problem");
      if (options.json) printJson({ ok, checks });
      else print(printable(checks.map(lineOf).join("\n")));
      if (!ok) throw new AlreadyTold(new AppError("not_ready", "There are problems."));
    });
}

function lineOf({ name, status, message, hint }: DoctorCheck): string {
  const line = `${status.padEnd(8)} ${name}: ${message}`;
  return hint === undefined ? line : `${line}\n${" ".repeat(9)}hint: ${hint}`;
}
