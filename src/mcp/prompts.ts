import type { GetPromptResult, ListPromptsResult } from "@modelcontextprotocol/server";
import { AppError } from "../lib/errors.ts";
import type { Caller } from "../tools/contract.ts";
import type { ToolRegistry } from "../tools/registry.ts";
import type { McpFeatures } from "./contract.ts";
import type { ReadableSkills } from "./skills.ts";

const TASK = "task";

export interface PromptParts {
  tools: Pick<ToolRegistry, "call">;
  skills: Pick<ReadableSkills, "list">;
  /** True when the caller may read skills. */
  allowed(caller: Caller): boolean;
}

/** Each skill is a prompt that tells the model to follow it, with the task if there is one. */
export function createPrompts({ tools, skills, allowed }: PromptParts): McpFeatures["prompts"] {
  return {
    async list({ caller }): Promise<ListPromptsResult> {
      if (!allowed(caller)) return { prompts: [] };
      const { skills: all } = await skills.list();
      const argument = { name: TASK, description: "What is to be done with it." };
      return { prompts: all.map(({ name, description }) => ({ name, description, arguments: [argument] })) };
    },
    async get({ name, arguments: given = {} }, { caller, context }): Promise<GetPromptResult> {
      const { signal } = context.mcpReq;
      const { text, isError } = await tools.call("skill_load", { name }, { caller, signal });
      if (isError) throw new AppError("not_found", text);
      const task = given[TASK]?.trim();
      const messages = [text, ...(task ? [`The task: ${task}`] : [])].map((part) => ({
        role: "user" as const,
        content: { type: "text" as const, text: part },
      }));
      return { messages };
    },
  };
}
