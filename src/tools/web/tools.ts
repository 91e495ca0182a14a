import type { LiveConfig } from "../../config/live.ts";
import type { SafeFetch } from "../../lib/safe-fetch.ts";
import type { Tool } from "../contract.ts";
import { extractTool } from "./extract.ts";
import { type ReadPage, readPage } from "./reader.ts";
import { searchTool } from "./search.ts";

export interface WebParts {
  config: LiveConfig;
  fetch: SafeFetch;
  /** Default: the reader of this process. */
  read?: ReadPage;
}

/** The web group: search, and the reading of pages. All of it goes through `fetch`. */
export function webTools({ config, fetch, read = readPage }: WebParts): Tool[] {
  return [searchTool({ config, fetch }), extractTool({ config, fetch, read })];
}
