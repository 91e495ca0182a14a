/** A request that a scripted server has received. */
export interface ScriptedRequest {
  path: string;
  headers: Headers;
  body: Record<string, unknown>;
}

/** One answer: events of a stream, or any response. */
export type ScriptedAnswer = readonly object[] | Response;

export interface ScriptedServer {
  url: string;
  requests: ScriptedRequest[];
  stop(): Promise<void>;
}

/**
 * A server that gives its answers in order, the last one for ever. Events leave as `text/event-stream`; those that have a
 * `type` are named by it, as Anthropic does.
 */
export function startScripted(answers: readonly ScriptedAnswer[]): ScriptedServer {
  const requests: ScriptedRequest[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request): Promise<Response> {
      const { pathname, search } = new URL(request.url);
      const text = await request.text();
      requests.push({
        path: pathname + search,
        headers: new Headers(request.headers),
        body: text ? JSON.parse(text) : {},
      });
      const answer = answers[Math.min(requests.length, answers.length) - 1] ?? [];
      return answer instanceof Response ? new Response(await answer.clone().blob(), answer) : stream(answer);
    },
  });
  return { url: `http://127.0.0.1:${server.port}`, requests, stop: () => server.stop(true) };
}

function stream(events: readonly object[]): Response {
  const text = events.map((event) => {
    const name = "type" in event ? `event: ${event.type}\n` : "";
    return `${name}data: ${JSON.stringify(event)}\n\n`;
  });
  return new Response(text.join(""), { headers: { "content-type": "text/event-stream; charset=utf-8" } });
}
