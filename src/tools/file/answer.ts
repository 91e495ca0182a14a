import { AppError } from "../../lib/errors.ts";
import type { ToolResult } from "../contract.ts";
import { errorResult } from "../result.ts";

/** Runs a file tool; what is wrong with a path or a file is an answer, and only faults of Hermes or the disk are thrown. */
export async function answer(work: () => Promise<ToolResult>): Promise<ToolResult> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof AppError) || error.status >= 500) throw error;
    return errorResult(error.hint ? `${error.message} ${error.hint}` : error.message);
  }
}
