import type { RunEvent } from "../../agent/events.ts";
import type { RunEventRecord } from "../../store/records.ts";

/** An answer while it is being made, as far as it is worth showing. */
export interface Growing {
  /** What the model has said since its last tool call. */
  text: string;
  /** The tool that runs. */
  tool: string | null;
}

/** Follows the events of a run. */
export interface GrowingAnswer {
  readonly current: Growing;
  /** True when the event changed what is to be shown. */
  apply(event: RunEvent): boolean;
}

/** Nothing is said yet. */
export function createGrowing(): GrowingAnswer {
  const current: Growing = { text: "", tool: null };
  let isBehindTool = false; // what comes next takes the place of what was said before the tool
  let keptChars = 0; // of the text, what no reset takes back: the answer to what was asked before a message joined
  return {
    current,
    apply(event) {
      switch (event.type) {
        case "message.delta":
          if (isBehindTool) current.text = current.text.slice(0, keptChars);
          if (event.reset) current.text = current.text.slice(0, keptChars);
          isBehindTool = false;
          current.text += event.delta;
          current.tool = null;
          return true;
        case "message.steered":
          keptChars = current.text.length;
          return false;
        case "tool.started":
          current.tool = event.tool;
          isBehindTool = true;
          return true;
        case "tool.completed":
          current.tool = null;
          return false;
        default:
          return false;
      }
    },
  };
}

/** An event as it was stored. Events are written by this program alone. */
export function parseEvent({ data }: RunEventRecord): RunEvent {
  return JSON.parse(data) as RunEvent;
}
