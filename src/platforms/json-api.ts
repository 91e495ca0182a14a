import { PlatformError } from "./contract.ts";

/** A request to the API of a platform. */
export interface ApiRequest {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  url: URL;
  headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  json?: unknown;
  /** Sent as it is. */
  body?: FormData | Blob;
  timeoutMs: number;
  signal: AbortSignal;
}

/** What the API answered. */
export interface ApiAnswer {
  status: number;
  headers: Headers;
  /** The JSON object of the body; undefined when it was none, as the page of a proxy. */
  json: unknown;
}

/**
 * Makes one request and reads the JSON that answers it, whatever its status. Rejects with `unavailable` when there was no answer.
 * No error tells more of the request than the platform's name: addresses, headers and bodies hold tokens.
 */
export async function requestJson(title: string, request: ApiRequest): Promise<ApiAnswer> {
  return within(title, request, async (signal) => {
    const answer = await send(request, signal);
    return { status: answer.status, headers: answer.headers, json: parsed(await answer.text()) };
  });
}

/**
 * Makes one request and hands on what answers it, its body unread. The time limit is for the head alone; the signal ends the body
 * too. Otherwise as `requestJson`.
 */
export async function requestBytes(title: string, request: ApiRequest): Promise<Response> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), request.timeoutMs);
  try {
    return await send(request, AbortSignal.any([request.signal, late.signal]));
  } catch (fault) {
    throw fromNetwork(title, fault, { stopped: request.signal.aborted, late: late.signal.aborted });
  } finally {
    clearTimeout(timer);
  }
}

/** Reads a body. Rejects with `refused` as soon as it is larger than `maxBytes`, whatever its head says of the size. */
export async function readUpTo(
  title: string,
  { body }: Response,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  try {
    for await (const part of body ?? []) {
      sizeBytes += part.byteLength;
      if (sizeBytes > maxBytes)
        throw new PlatformError("refused", `The file is larger than ${maxBytes} bytes.`);
      parts.push(part);
    }
  } catch (fault) {
    if (fault instanceof PlatformError) throw fault;
    throw fromNetwork(title, fault, { stopped: signal.aborted, late: false });
  }
  return Buffer.concat(parts);
}

async function within<T>(
  title: string,
  { timeoutMs, signal }: ApiRequest,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = AbortSignal.timeout(timeoutMs);
  try {
    return await work(AbortSignal.any([signal, late]));
  } catch (fault) {
    throw fromNetwork(title, fault, { stopped: signal.aborted, late: late.aborted });
  }
}

/** A redirect would lead the token elsewhere: it is an answer like any other. */
async function send(
  { method, url, headers, json, body }: ApiRequest,
  signal: AbortSignal,
): Promise<Response> {
  const sent =
    json === undefined
      ? { headers: headers ?? {}, ...(body === undefined ? {} : { body }) }
      : {
          headers: { ...headers, "content-type": "application/json; charset=utf-8" },
          body: JSON.stringify(json),
        };
  return fetch(url, { method, ...sent, redirect: "manual", signal });
}

/** The object of a JSON text; undefined for any other text. */
function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Of the fault only the code is told: its message and its fields may hold the address. */
function fromNetwork(
  title: string,
  fault: unknown,
  { stopped, late }: { stopped: boolean; late: boolean },
): PlatformError {
  if (stopped) return new PlatformError("unavailable", "The call was given up.");
  if (late) return new PlatformError("unavailable", `${title} does not answer in time.`);
  const code = fault instanceof Error && "code" in fault ? fault.code : undefined;
  const why = typeof code === "string" && /^\w{1,60}$/.test(code) ? ` (${code})` : "";
  return new PlatformError("unavailable", `${title} cannot be reached${why}.`, {
    hint: "Check the network, and api_base where one is set.",
  });
}
