import type { LiveConfig } from "../../config/live.ts";
import type { Tool } from "../contract.ts";
import { editTool } from "./edit.ts";
import { listTool } from "./list.ts";
import { createLocator } from "./locate.ts";
import { readTool } from "./read.ts";
import { searchTool } from "./search.ts";
import { writeTool } from "./write.ts";

/** The file group. All principals share the directories that the configuration opens. */
export function fileTools(config: LiveConfig, home: string): Tool[] {
  const locator = createLocator(config, home);
  return [readTool, writeTool, editTool, listTool, searchTool].map((make) => make(locator));
}
