import { expect, setDefaultTimeout, test } from "bun:test";
import { type FakeDiscord, startFakeDiscord } from "../../fakes/discord/index.ts";
import { adapterOf, failureOf, never, TEST_TIMEOUT_MS } from "./setup.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const bytes = new TextEncoder().encode("bytes of a file");

function fetchFrom(fake: FakeDiscord, ref: string, maxBytes = 1000, more = {}) {
  const { fetchFile } = adapterOf(fake);
  if (!fetchFile) throw new Error("it fetches no files");
  return fetchFile({ kind: "document", ref, ...more }, maxBytes, never);
}

test("an attachment is fetched", async () => {
  await using fake = startFakeDiscord();
  const { url } = fake.attach("报告.txt", "text/plain", bytes);
  const file = await fetchFrom(fake, url, 1000, { name: "报告.txt", mediaType: "text/x" });
  expect(file).toEqual({ bytes: Buffer.from(bytes), mediaType: "text/plain", name: "报告.txt" });
});

test("one that is too large is refused, whatever it says of its size", async () => {
  await using fake = startFakeDiscord();
  const { url } = fake.attach("a", "text/plain", bytes);
  expect(await failureOf(fetchFrom(fake, url, bytes.length - 1))).toMatchObject({ kind: "refused" });
  expect(await failureOf(fetchFrom(fake, url, 10, { sizeBytes: 11 }))).toMatchObject({ kind: "refused" });
  expect(await fetchFrom(fake, url, bytes.length)).toMatchObject({ mediaType: "text/plain" });
});

test("one that never ends is cut off", async () => {
  await using endless = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () =>
      new Response(new ReadableStream({ pull: (stream) => stream.enqueue(new Uint8Array(64 * 1024)) })),
  });
  await using fake = startFakeDiscord();
  const origin = `http://127.0.0.1:${endless.port}`;
  const { fetchFile } = adapterOf(fake, { api_base: `${origin}/api` });
  const error = await failureOf(fetchFile?.({ kind: "image", ref: `${origin}/x` }, 1_000_000, never));
  expect(error.kind).toBe("refused");
});

test("only what Discord keeps is fetched", async () => {
  await using fake = startFakeDiscord();
  await using other = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("secret") });
  const elsewhere = [
    `http://127.0.0.1:${other.port}/x`,
    fake.origin.replace("http:", "https:"),
    "http://cdn.discordapp.com/x",
    "https://cdn.discordapp.com:8443/x",
    "https://cdn.discordapp.com.evil.example/x",
    "https://evil.example/cdn.discordapp.com",
    "https://cdn.discordapp.com@evil.example/x",
    "file:///etc/passwd",
    "data:text/plain,x",
    "no address",
    "",
  ];
  for (const ref of elsewhere)
    expect([ref, await failureOf(fetchFrom(fake, ref))]).toMatchObject([
      ref,
      { kind: "refused", message: "The file is not kept by Discord." },
    ]);
});

test("a redirect is not followed", async () => {
  await using secret = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("secret") });
  await using proxy = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => Response.redirect(`http://127.0.0.1:${secret.port}/`),
  });
  await using fake = startFakeDiscord();
  const origin = `http://127.0.0.1:${proxy.port}`;
  const { fetchFile } = adapterOf(fake, { api_base: `${origin}/api` });
  const fetched = fetchFile?.({ kind: "image", ref: `${origin}/x` }, 1000, never);
  expect(await failureOf(fetched)).toMatchObject({ kind: "unavailable" });
});

test("one that is gone is refused, and a failure of Discord passes", async () => {
  await using fake = startFakeDiscord();
  const gone = await failureOf(fetchFrom(fake, `${fake.origin}/attachments/1/gone`));
  expect(gone).toMatchObject({ kind: "refused", message: expect.stringContaining("any more: 404") });
  await using failing = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => new Response("", { status: 503 }),
  });
  const origin = `http://127.0.0.1:${failing.port}`;
  const { fetchFile } = adapterOf(fake, { api_base: `${origin}/api` });
  const fetched = fetchFile?.({ kind: "image", ref: `${origin}/x` }, 1000, never);
  expect(await failureOf(fetched)).toMatchObject({ kind: "unavailable" });
  const aborted = fetchFile?.({ kind: "image", ref: `${origin}/x` }, 1000, AbortSignal.abort());
  expect(await failureOf(aborted)).toMatchObject({ message: "The call was given up." });
});
