import type { Args, Delivery, FakeSlack } from "./contract.ts";
import { commandPayload, eventsOf, pressPayload } from "./payloads.ts";
import type { Workspace } from "./workspace.ts";

/** What people do in the workspace. */
export type People = Pick<FakeSlack, "write" | "again" | "command" | "press" | "addFile">;

/** People whose doings are delivered to the app. */
export function createPeople(
  workspace: Workspace,
  origin: string,
  deliver: (kind: Delivery["kind"], payload: Args) => void,
): People {
  const events = new Map<string, readonly Args[]>();
  return {
    write(writing) {
      const { channel = "D0USER", user = "U0USER", text, thread, copies = 1 } = writing;
      workspace.know(channel);
      const place = thread === undefined ? { channel } : { channel, thread };
      const message = workspace.post({ ...place, user, text, blocks: [], args: {} });
      const payloads = eventsOf(message, writing, workspace, origin);
      events.set(message.ts, payloads);
      for (let i = 0; i < copies; i++) for (const payload of payloads) deliver("events_api", payload);
      return message.ts;
    },
    again(ts) {
      for (const payload of events.get(ts) ?? []) deliver("events_api", payload);
    },
    command(command, text, more = {}) {
      const trigger = workspace.nextId("trigger");
      deliver("slash_commands", { ...commandPayload(command, text, trigger, workspace), ...more });
      return trigger;
    },
    press(channel, ts, value, user = "U0USER") {
      const message = workspace.find(channel, ts);
      if (message === null) throw new Error(`there is no message ${ts} in ${channel}`);
      const payload = pressPayload(message, value, user, workspace);
      deliver("interactive", payload);
      return String(payload["trigger_id"]);
    },
    addFile(file) {
      const stored = { id: workspace.nextId("F"), channels: [], ...file };
      workspace.files.set(stored.id, stored);
      return stored;
    },
  };
}
