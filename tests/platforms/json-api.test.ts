import { afterAll, expect, test } from "bun:test";
import { PlatformError } from "../../src/platforms/contract.ts";
import { readUpTo, requestBytes, requestJson } from "../../src/platforms/json-api.ts";

const SECRET = "t-a-secret-token";
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/echo")
      return Response.json(
        { method: request.method, type: request.headers.get("content-type"), body: await request.text() },
        { status: 418, headers: { "x-told": "yes" } },
      );
    if (pathname === "/page") return new Response("<html>Sign in</html>", { status: 502 });
    if (pathname === "/elsewhere") return Response.redirect("http://127.0.0.1:1/", 302);
    if (pathname === "/bytes") return new Response(new Uint8Array(1000).fill(7));
    return new Promise<Response>(() => undefined);
  },
});
afterAll(() => server.stop(true));

const at = (path: string) => new URL(`${path}?access_token=${SECRET}`, server.url);
const request = (path: string, more = {}) => ({
  method: "GET" as const,
  url: at(path),
  timeoutMs: 5_000,
  signal: new AbortController().signal,
  ...more,
});
const failureOf = async (promise: Promise<unknown>): Promise<PlatformError> => {
  const error = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof PlatformError)) throw new Error(`no PlatformError: ${error}`);
  return error;
};

test("sends JSON and reads the answer, whatever its status", async () => {
  const answer = await requestJson("Toy", request("/echo", { method: "POST", json: { a: "你好" } }));
  expect(answer.status).toBe(418);
  expect(answer.headers.get("x-told")).toBe("yes");
  expect(answer.json).toEqual({
    method: "POST",
    type: "application/json; charset=utf-8",
    body: '{"a":"你好"}',
  });
});

test("an answer that is no JSON is told as none, and a redirect is not followed", async () => {
  expect(await requestJson("Toy", request("/page"))).toMatchObject({ status: 502, json: undefined });
  expect(await requestJson("Toy", request("/elsewhere"))).toMatchObject({ status: 302, json: undefined });
});

test("no answer, none in time and one that was given up are unavailable, and tell no secret", async () => {
  const nowhere = request("/echo", { url: new URL(`http://127.0.0.1:1/?access_token=${SECRET}`) });
  const giveUp = new AbortController();
  const given = requestJson("Toy", request("/never", { signal: giveUp.signal }));
  giveUp.abort();
  const failures = await Promise.all(
    [requestJson("Toy", nowhere), requestJson("Toy", request("/never", { timeoutMs: 20 })), given].map(
      failureOf,
    ),
  );
  expect(failures.map(({ kind }) => kind)).toEqual(["unavailable", "unavailable", "unavailable"]);
  expect(failures[0]?.message).toStartWith("Toy cannot be reached");
  expect(failures[1]?.message).toBe("Toy does not answer in time.");
  for (const { message, hint = "", cause } of failures)
    expect(`${message}${hint}${JSON.stringify(cause)}`).not.toContain(SECRET);
});

test("bytes are counted, and too many are refused", async () => {
  const signal = new AbortController().signal;
  const whole = await readUpTo("Toy", await requestBytes("Toy", request("/bytes")), 1000, signal);
  expect(whole).toHaveLength(1000);
  const failure = await failureOf(readUpTo("Toy", await requestBytes("Toy", request("/bytes")), 999, signal));
  expect(failure.kind).toBe("refused");
  expect((await failureOf(requestBytes("Toy", request("/never", { timeoutMs: 20 })))).kind).toBe(
    "unavailable",
  );
});
