import type { IncomingMessage, ServerResponse } from "node:http";
import { type Call, type Failure, Refusal } from "./contract.ts";
import type { Failures } from "./failures.ts";
import type { StoredFile } from "./methods.ts";
import { type Params, readParams } from "./request.ts";

export type Method = (params: Params, signal: AbortSignal) => unknown;

export interface AnsweringOptions {
  methods: Readonly<Record<string, Method>>;
  files: ReadonlyMap<string, StoredFile>;
  failures: Failures;
  /** Called as soon as a call has come, and once more when it is answered. */
  record(call: Call): void;
  answered(): void;
}

/** Answers calls and downloads, or makes them go wrong. */
export interface Answering {
  call(method: string, request: IncomingMessage, response: ServerResponse): Promise<void>;
  download(path: string, response: ServerResponse): void;
}

export function createAnswering({ methods, files, failures, record, answered }: AnsweringOptions): Answering {
  const run = async (method: string, params: Params, failure: Failure | null, signal: AbortSignal) => {
    const refused = failure === null ? null : refusalOf(failure);
    if (refused) throw refused;
    const found = Object.hasOwn(methods, method) ? methods[method] : undefined;
    if (!found) throw new Refusal(404, "Not Found");
    return await found(params, signal);
  };

  return {
    async call(method, request, response) {
      const gone = new AbortController();
      response.on("close", () => gone.abort());
      const params = await readParams(request);
      const failure = failures.take(method);
      record({ method, params: params.all, files: listed(params), atMs: Date.now() });
      if (failure?.delayMs) await Bun.sleep(failure.delayMs);
      if (failure?.hang) return;
      if (failure?.drop === "before") return void request.socket.destroy();
      if (failure?.status !== undefined) return page(response, failure.status);
      try {
        const result = await run(method, params, failure, gone.signal);
        if (failure?.drop === "after") return void request.socket.destroy();
        json(response, 200, { ok: true, result });
      } catch (thrown) {
        if (!(thrown instanceof Refusal)) throw thrown;
        refuse(response, thrown);
      } finally {
        answered();
      }
    },
    download(path, response) {
      const failure = failures.take("file");
      if (failure?.drop) return void response.socket?.destroy();
      if (failure) return page(response, failure.status ?? failure.errorCode ?? 500);
      const file = [...files.values()].find((one) => one.path === path);
      if (!file) return refuse(response, new Refusal(404, "Not Found"));
      response.writeHead(200, { "content-type": "application/octet-stream" }).end(file.bytes);
    },
  };
}

function refusalOf({ errorCode, description, retryAfter, migrateTo }: Failure): Refusal | null {
  if (errorCode === undefined && retryAfter === undefined && migrateTo === undefined) return null;
  const code = errorCode ?? (retryAfter === undefined ? 400 : 429);
  const words = retryAfter === undefined ? `Error ${code}` : `Too Many Requests: retry after ${retryAfter}`;
  return new Refusal(code, description ?? words, {
    ...(retryAfter === undefined ? {} : { retry_after: retryAfter }),
    ...(migrateTo === undefined ? {} : { migrate_to_chat_id: migrateTo }),
  });
}

function listed({ files }: Params): Call["files"] {
  return [...files].map(([field, { name, bytes }]) => ({ field, name, sizeBytes: bytes.length }));
}

/** Answers with an error as the Bot API does. */
export function refuse(response: ServerResponse, { code, message, parameters }: Refusal): void {
  const more = Object.keys(parameters).length === 0 ? {} : { parameters };
  json(response, code, { ok: false, error_code: code, description: message, ...more });
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

/** Answers with a page, as a proxy does. */
export function page(response: ServerResponse, status: number): void {
  response.writeHead(status, { "content-type": "text/html" }).end(`<html><h1>${status}</h1></html>`);
}
