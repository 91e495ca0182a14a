import { createSseParser, type SseEvent, type SseParser, SseTooLargeError } from "../lib/sse.ts";
import { openAiHears } from "./audio-formats.ts";
import { type BodyReader, readBody } from "./body.ts";
import type { Model, ModelEvent } from "./contract.ts";
import { type Endpoint, endpointUrl } from "./endpoint.ts";
import { badAnswer, connectionFailure, reportedFailure, statusFailure, webPage } from "./failure.ts";
import { type Answer, createAnswer } from "./openai-answer.ts";
import { completionRequest } from "./openai-request.ts";
import { startWatch, type Watch } from "./watch.ts";

const MAX_EVENT_CHARS = 4 * 1024 * 1024;
const DRAIN_TIMEOUT_MS = 1000;

/**
 * A model behind an OpenAI-compatible API: chat completions, streamed. `stream` makes one attempt and throws the `model_*`
 * errors of `AppError`; when its signal aborts, it closes the connection and throws the signal's reason.
 */
export function openAiModel(endpoint: Endpoint): Model {
  return {
    hears: (mediaType) => openAiHears(endpoint, mediaType),
    async *stream(request, signal) {
      signal.throwIfAborted();
      const watch = startWatch(endpoint, signal);
      let ended = false;
      try {
        const body = JSON.stringify(completionRequest(request, endpoint));
        const response = await send(endpoint, body, watch);
        const reader = readBody(response, endpoint, watch);
        if (!response.ok)
          throw statusFailure(endpoint, response.status, response.headers, await reader.text());
        const answer = createAnswer(endpoint, body.length);
        if (isEventStream(response, endpoint)) yield* readStream(reader, answer, endpoint, watch);
        else yield await readWhole(reader, answer);
        signal.throwIfAborted();
        const last = answer.end();
        ended = true;
        drain(reader, watch);
        yield last;
      } catch (thrown) {
        throw watch.explain(thrown);
      } finally {
        if (!ended) watch.stop();
      }
    },
  };
}

async function send(endpoint: Endpoint, body: string, watch: Watch): Promise<Response> {
  // Bun's own options: compressed bodies are expanded by `readBody`, and the watch keeps the time.
  const init: BunFetchRequestInit & { decompress: false; timeout: false } = {
    method: "POST",
    body,
    headers: {
      "content-type": "application/json",
      accept: "text/event-stream",
      "accept-encoding": "identity",
      "user-agent": "hermes",
      ...(endpoint.apiKey === null ? {} : { authorization: `Bearer ${endpoint.apiKey}` }),
      ...endpoint.headers,
    },
    redirect: "manual",
    decompress: false,
    timeout: false,
    signal: watch.signal,
  };
  try {
    return await watch.wait(fetch(endpointUrl(endpoint.baseUrl, "/chat/completions"), init));
  } catch (cause) {
    throw connectionFailure(endpoint, false, cause);
  }
}

/** False for a whole completion, which some servers send whatever they were asked for. */
function isEventStream(response: Response, endpoint: Endpoint): boolean {
  const type = response.headers.get("content-type") ?? "";
  if (/\bhtml\b/i.test(type)) throw webPage(endpoint);
  return !/\bjson\b/i.test(type);
}

async function* readStream(
  reader: BodyReader,
  answer: Answer,
  endpoint: Endpoint,
  watch: Watch,
): AsyncGenerator<ModelEvent[]> {
  const parser = createSseParser({ maxEventChars: MAX_EVENT_CHARS });
  for (let done = false; !done; ) {
    const bytes = await reader.read().catch((thrown: unknown) => {
      if (answer.finished) return null; // nothing but usage can be missing
      throw thrown;
    });
    if (bytes === null) return;
    const events: ModelEvent[] = [];
    for (const { event, data } of parse(parser, bytes, endpoint)) {
      done = data === "[DONE]";
      if (done) break;
      if (event === "error") throw reportedFailure(endpoint, data);
      if (answer.take(data, events)) watch.progress();
    }
    if (events.length > 0) yield events;
  }
}

function parse(parser: SseParser, bytes: Uint8Array, endpoint: Endpoint): SseEvent[] {
  try {
    return parser.push(bytes);
  } catch (thrown) {
    if (thrown instanceof SseTooLargeError)
      throw badAnswer(endpoint, "an event that does not end", { cause: thrown });
    throw thrown;
  }
}

async function readWhole(reader: BodyReader, answer: Answer): Promise<ModelEvent[]> {
  const events: ModelEvent[] = [];
  answer.take(await reader.text(), events);
  return events;
}

/** Reads what is left after the answer, so that the connection can be used again; gives it up after a second. */
function drain(reader: BodyReader, watch: Watch): void {
  const timer = setTimeout(() => watch.stop(), DRAIN_TIMEOUT_MS);
  timer.unref();
  const rest = async () => {
    while (await reader.read());
  };
  const finish = () => {
    clearTimeout(timer);
    watch.stop();
  };
  rest().then(finish, finish); // a connection that breaks now costs nothing but itself
}
