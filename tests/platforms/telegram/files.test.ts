import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { OutboundFile } from "../../../src/platforms/contract.ts";
import { startFakeTelegram } from "../../fakes/telegram/server.ts";
import { adapterOf, failureOf, never, outbound } from "./setup.ts";

setDefaultTimeout(60_000);

const PNG = Buffer.from("\x89PNG\r\n\x1a\n and so on", "latin1");
const file = (name: string, mediaType: string, bytes: Uint8Array = Buffer.from("bytes")): OutboundFile => ({
  name,
  mediaType,
  bytes,
});

async function start() {
  const fake = await startFakeTelegram();
  fake.chat(501);
  const adapter = adapterOf(fake);
  return { fake, adapter, [Symbol.asyncDispose]: () => fake[Symbol.asyncDispose]() };
}

describe("files that go out", () => {
  test.each([
    ["image/png", "photo", PNG],
    ["audio/ogg", "voice", Buffer.from("OggS")],
    ["audio/mpeg", "audio", Buffer.from("ID3")],
    ["video/mp4", "video", Buffer.from("film")],
    ["application/pdf", "document", Buffer.from("%PDF-")],
  ])("%s is a %s", async (mediaType, kind, bytes) => {
    await using t = await start();
    await t.adapter.send(outbound("", { files: [file("a.bin", mediaType, bytes)] }), never);
    expect(t.fake.messages(501)).toMatchObject([{ caption: null, file: { kind, name: "a.bin" } }]);
    expect(Buffer.from(t.fake.messages(501)[0]?.file?.bytes ?? [])).toEqual(Buffer.from(bytes));
  });

  test.each(["my plan; v2.txt", "计划 📎.txt", 'a "quoted" \\ name.txt', "line\r\nbreak.txt"])(
    "the name %j",
    async (name) => {
      await using t = await start();
      await t.adapter.send(outbound("", { files: [file(name, "text/plain")] }), never);
      expect(t.fake.messages(501)[0]?.file?.name).toBe(name.replace(/["\\\r\n]/g, "_"));
    },
  );

  test("a short text stands below one file, with reply and buttons", async () => {
    await using t = await start();
    const { messageId } = t.fake.write("draw");
    const sent = await t.adapter.send(
      outbound("**here**", {
        files: [file("a.png", "image/png", PNG)],
        replyTo: String(messageId),
        buttons: [{ label: "Again", value: "again" }],
      }),
      never,
    );
    expect(t.fake.messages(501)).toMatchObject([
      {
        messageId: Number(sent.messageId),
        caption: "here",
        replyTo: messageId,
        buttons: [{ data: "again" }],
      },
    ]);
  });

  test("a long text, or several files: the text first", async () => {
    await using t = await start();
    const long = "word ".repeat(300).trim();
    const sent = await t.adapter.send(outbound(long, { files: [file("a.txt", "text/plain")] }), never);
    await t.adapter.send(
      outbound("both", {
        files: [file("b.txt", "text/plain"), file("c.txt", "text/plain")],
        idempotencyId: "2",
      }),
      never,
    );
    const shown = t.fake.messages(501).map(({ text, file: one }) => one?.name ?? text);
    expect(shown).toEqual([long, "a.txt", "both", "b.txt", "c.txt"]);
    expect(sent.messageId).toBe(String(t.fake.messages(501)[0]?.messageId));
  });

  test("what Telegram does not take as a picture goes as a file", async () => {
    await using t = await start();
    await t.adapter.send(
      outbound("see", { files: [file("a.png", "image/png", Buffer.from("no picture"))] }),
      never,
    );
    expect(t.fake.messages(501)).toMatchObject([
      { caption: "see", file: { kind: "document", name: "a.png" } },
    ]);
  });

  test("a try after a failure repeats nothing that was sent", async () => {
    await using t = await start();
    const message = outbound("both", { files: [file("a.txt", "text/plain"), file("b.txt", "text/plain")] });
    t.fake.fail("sendDocument", { delayMs: 0, times: 1 });
    t.fake.fail("sendDocument", { retryAfter: 1 });
    expect(await failureOf(t.adapter.send(message, never))).toMatchObject({ kind: "rate_limited" });
    const sent = await t.adapter.send(message, never);
    const shown = t.fake.messages(501).map(({ text, file: one }) => one?.name ?? text);
    expect(shown).toEqual(["both", "a.txt", "b.txt"]);
    expect(sent.messageId).toBe(String(t.fake.messages(501)[0]?.messageId));
  });

  test("a file that is too large is refused before it is sent", async () => {
    await using t = await start();
    const large = file("film.mp4", "video/mp4", new Uint8Array(50 * 1024 * 1024 + 1));
    expect(await failureOf(t.adapter.send(outbound("", { files: [large] }), never))).toMatchObject({
      kind: "refused",
      message: expect.stringContaining("50 MB"),
    });
    expect(t.fake.calls()).toEqual([]);
  });
});

describe("files that come in", () => {
  const fetchFile = (t: Awaited<ReturnType<typeof start>>, ref: string, more: object = {}, maxBytes = 1000) =>
    t.adapter.fetchFile({ kind: "document", ref, ...more }, maxBytes, never);

  test("their bytes, type and name", async () => {
    await using t = await start();
    const bytes = Buffer.from("some bytes");
    const id = t.fake.addFile(bytes, { path: "documents/a b 计划.pdf" });
    const told = await fetchFile(t, id, { name: "plan.pdf", mediaType: "application/x-pdf" });
    expect(told).toMatchObject({ mediaType: "application/x-pdf", name: "plan.pdf" });
    expect(Buffer.from(told.bytes)).toEqual(bytes);
    expect(await fetchFile(t, id)).toMatchObject({ mediaType: "application/pdf", name: "a b 计划.pdf" });
    const voice = t.fake.addFile(bytes, { path: "voice/file_1.oga" });
    expect(await fetchFile(t, voice)).toMatchObject({ mediaType: "audio/ogg", name: "file_1.oga" });
  });

  test("too large by what was said, by what Telegram says, and by what comes", async () => {
    await using t = await start();
    const honest = t.fake.addFile(new Uint8Array(2000));
    const liar = t.fake.addFile(new Uint8Array(2000), { sizeBytes: 10 });
    const huge = t.fake.addFile(new Uint8Array(1), { sizeBytes: 21 * 1024 * 1024 });
    const refused = { kind: "refused", message: expect.stringContaining("are the most that are taken") };
    expect(await failureOf(fetchFile(t, honest, { sizeBytes: 2000 }))).toMatchObject(refused);
    expect(t.fake.calls()).toEqual([]);
    expect(await failureOf(fetchFile(t, honest))).toMatchObject(refused);
    expect(await failureOf(fetchFile(t, liar))).toMatchObject(refused);
    expect(await failureOf(fetchFile(t, huge, {}, 100_000_000))).toMatchObject({
      kind: "refused",
      message: expect.stringContaining("20 MB"),
    });
  });

  test("one that is not there, and one that the server keeps to itself", async () => {
    await using t = await start();
    expect(await failureOf(fetchFile(t, "NONE"))).toMatchObject({ kind: "refused" });
    const local = t.fake.addFile(new Uint8Array(1), { path: "/var/lib/telegram/file" });
    expect(await failureOf(fetchFile(t, local))).toMatchObject({
      kind: "refused",
      hint: "Start it without --local.",
    });
  });

  test("a download that fails: never, or later, without the token", async () => {
    await using t = await start();
    const id = t.fake.addFile(new Uint8Array(9));
    t.fake.fail("file", { status: 404 });
    expect(await failureOf(fetchFile(t, id))).toMatchObject({ kind: "refused" });
    t.fake.fail("file", { status: 503 });
    expect(await failureOf(fetchFile(t, id))).toMatchObject({ kind: "unavailable" });
    t.fake.fail("file", { drop: "before", times: 9 }); // what is only read is read again by Bun itself
    const error = await failureOf(fetchFile(t, id));
    expect(error.kind).toBe("unavailable");
    expect(Bun.inspect(error, { depth: 20 })).not.toContain(t.fake.token.slice(5));
  });
});
