import { Type } from "typebox";
import type { ToolGroup } from "../../src/config/tool-groups.ts";
import { defineTool, type Tool, type ToolContext } from "../../src/tools/contract.ts";

export interface ProbeOptions {
  name?: string;
  group?: ToolGroup;
  effect?: Tool["effect"];
  resumes?: boolean;
  /** Whether a call has to be approved; its details are the word. */
  asks?: boolean;
  run?: (input: { word?: string }, context: ToolContext) => Promise<string> | string;
}

/** A tool that notes the word of every call in `ran`. */
export function probeTool(ran: string[], options: ProbeOptions = {}): Tool {
  const { name = "skill_probe", group = "skill", effect = "write", run = () => "done" } = options;
  const { asks = false, resumes = false } = options;
  return defineTool({
    name,
    group,
    title: "Probe",
    description: "Tests.",
    input: Type.Object({ word: Type.Optional(Type.String()) }, { additionalProperties: false }),
    effect,
    resumes,
    approval: async ({ word = "" }) =>
      asks ? { tool: name, question: `May ${name} go on?`, details: word } : null,
    async run(input, context) {
      ran.push(input.word ?? name);
      return { text: await run(input as { word?: string }, context) };
    },
  });
}
