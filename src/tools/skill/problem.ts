import type { SkillProblem } from "./contract.ts";

/** `note/SKILL.md:3: error: the name is ...`, as compilers say it. */
export function describeProblem({ skill, file, line, message, severity }: SkillProblem): string {
  const place = [skill, file].filter(Boolean).join("/") || "skills";
  return `${place}${line === null ? "" : `:${line}`}: ${severity}: ${message}`;
}
