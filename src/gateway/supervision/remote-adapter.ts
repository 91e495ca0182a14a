import type { OutboundMessage } from "../../platforms/contract.ts";
import type { RemoteAdapter } from "../contract.ts";
import { handedOver, type RemoteMethod } from "../protocol.ts";

/** A call that crosses over to the worker. `handed`: memory that goes over instead of being copied. */
export type RemoteCall = (
  method: RemoteMethod,
  args: readonly unknown[],
  signal?: AbortSignal,
  handed?: ArrayBuffer[],
) => Promise<unknown>;

/**
 * The adapter of a worker. The body of a webhook's request and the files of a message are handed over, and gone afterwards: who
 * sends again reads them again.
 */
export function remoteAdapter(cross: RemoteCall): RemoteAdapter {
  /** What comes back is what the adapter of that name returns: both ends are of one version. */
  const call = <Method extends RemoteMethod>(method: Method, ...rest: CallRest) =>
    cross(method, ...rest) as ReturnType<RemoteAdapter[Method]>;

  return {
    send: (message, signal) => call("send", [message], signal, filesOf(message)),
    edit: (sent, message, signal) => call("edit", [sent, message], signal),
    draft: (message, signal) => call("draft", [message], signal),
    remove: (address, sent, signal) => call("remove", [address, sent], signal),
    typing: (address, signal) => call("typing", [address], signal),
    react: (address, messageId, reaction, signal) => call("react", [address, messageId, reaction], signal),
    fetchFile: (file, maxBytes, signal) => call("fetchFile", [file, maxBytes], signal),
    registerCommands: (commands, signal) => call("registerCommands", [commands], signal),
    webhook: (request) => call("webhook", [request], undefined, handedOver(request.body)),
  };
}

function filesOf({ files = [] }: OutboundMessage): ArrayBuffer[] {
  return files.flatMap(({ bytes }) => handedOver(bytes));
}

type CallRest = Parameters<RemoteCall> extends [unknown, ...infer Rest] ? Rest : never;
