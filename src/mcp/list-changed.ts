import type { Server } from "@modelcontextprotocol/server";
import type { Log } from "../lib/log.ts";
import type { ListKind } from "./contract.ts";

/** Tells the client of a server that a list has changed. */
export function sendListChanged(server: Server, list: ListKind, log: Log): void {
  sending(server, list).catch((error: unknown) =>
    log.debug("a client could not be told of a change", { list, error }),
  );
}

function sending(server: Server, list: ListKind): Promise<void> {
  if (list === "tools") return server.sendToolListChanged();
  return list === "resources" ? server.sendResourceListChanged() : server.sendPromptListChanged();
}
