import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { InboundFile, OutboundFile } from "../../../src/platforms/contract.ts";
import { connectFeishu, failureOf, live, outbound } from "./setup.ts";

setDefaultTimeout(60_000);

const IMAGES = "POST /im/v1/images";
const FILES = "POST /im/v1/files";
const CREATE = "POST /im/v1/messages";
const file = (
  name: string,
  mediaType: string,
  bytes: Uint8Array = new Uint8Array([1, 2, 3]),
): OutboundFile => ({
  name,
  mediaType,
  bytes,
});

describe("a file that is sent", () => {
  test.each([
    ["a picture", file("a.png", "image/png"), "image", "image"],
    ["a sound", file("a.ogg", "audio/ogg"), "audio", "opus"],
    ["a film", file("a.mp4", "video/mp4"), "media", "mp4"],
    ["a document", file("报告 1.PDF", "application/pdf"), "file", "pdf"],
    ["a table", file("a.xlsx", "application/vnd.ms-excel"), "file", "xls"],
    ["anything else", file("a.zip", "application/zip"), "file", "stream"],
    ["a picture that Feishu does not show", file("a.svg", "image/svg+xml"), "file", "stream"],
  ])("%s", async (_, given, type, kept) => {
    await using rig = await connectFeishu();
    const { fake, adapter } = rig;
    const sent = await adapter.send(outbound("", { files: [given] }), live());
    expect(fake.sent().map((message) => message.type)).toEqual([type]);
    expect(sent.messageId).toBe(`${fake.sent()[0]?.id}/file`);
    const call = fake.calls(kept === "image" ? IMAGES : FILES)[0];
    expect(call?.form).toMatchObject(
      kept === "image" ? { image_type: "message" } : { file_type: kept, file_name: given.name },
    );
    expect(call?.form[kept === "image" ? "image" : "file"]).toEqual(given.bytes);
    expect((await failureOf(adapter.edit?.(sent, outbound("x"), live()))).kind).toBe("refused");
  });

  test("stands after the text, and several one after another; the text is what can be changed", async () => {
    await using rig = await connectFeishu();
    const { fake, adapter } = rig;
    const asked = fake.write({ text: "hi", chat: "oc_group" });
    const message = outbound("here", {
      address: { chat: "oc_group" },
      replyTo: asked.id,
      files: [file("a.png", "image/png"), file("b.txt", "text/plain")],
    });
    const sent = await adapter.send(message, live());
    expect(fake.sent().map(({ type, parent }) => [type, parent])).toEqual([
      ["interactive", asked.id],
      ["image", undefined],
      ["file", undefined],
    ]);
    await adapter.edit?.(sent, { ...message, markdown: "there" }, live());
    expect(fake.sent()[0] && fake.read(fake.sent()[0] as never)).toBe("there");
  });

  test("that could not be uploaded leaves nothing to be seen; a later try shows everything once", async () => {
    await using rig = await connectFeishu();
    const { fake, adapter } = rig;
    const message = outbound("here", { files: [file("a.png", "image/png"), file("b.txt", "text/plain")] });
    fake.fail(FILES, { page: "", status: 500 }, 1);
    expect((await failureOf(adapter.send(message, live()))).kind).toBe("unavailable");
    expect(fake.sent()).toEqual([]);
    fake.fail(CREATE, { drop: true, isDone: true }, 1);
    await failureOf(adapter.send(message, live()));
    await adapter.send(message, live());
    expect(fake.sent().map(({ type }) => type)).toEqual(["interactive", "image", "file"]);
  });

  test("that Feishu does not take as a sound is sent as a file", async () => {
    await using rig = await connectFeishu();
    const { fake, adapter } = rig;
    fake.fail(CREATE, { code: 230001, msg: "no opus" }, 1);
    await adapter.send(outbound("", { files: [file("a.ogg", "audio/ogg")] }), live());
    expect(fake.sent().map(({ type }) => type)).toEqual(["file"]);
  });

  test("that is too large is refused before anything is sent", async () => {
    await using rig = await connectFeishu();
    const large = file("a.zip", "application/zip", new Uint8Array(30 * 1024 * 1024 + 1));
    const { kind, message } = await failureOf(rig.adapter.send(outbound("here", { files: [large] }), live()));
    expect(kind).toBe("refused");
    expect(message).toContain("30 MB");
    expect(rig.fake.calls(FILES)).toEqual([]);
    expect((await failureOf(rig.adapter.send(outbound(""), live()))).kind).toBe("refused");
  });
});

describe("a file that came", () => {
  const receive = async (
    type: string,
    content: (key: string) => Record<string, unknown>,
    mediaType: string,
  ) => {
    const rig = await connectFeishu();
    const key = rig.fake.addFile(
      new Uint8Array(1000).fill(7),
      mediaType,
      type === "image" ? "img_v3" : "file_v3",
    );
    rig.fake.write({ content: [type, content(key)] });
    await rig.fake.until(() => rig.heard.taken.length === 1, "the message");
    const [found] = rig.heard.taken[0]?.files ?? [];
    return Object.assign(rig, { file: found as InboundFile });
  };

  test.each([
    ["image", (key: string) => ({ image_key: key }), "image/png", undefined],
    ["file", (key: string) => ({ file_key: key, file_name: "a.pdf" }), "application/pdf", "a.pdf"],
    ["audio", (key: string) => ({ file_key: key, duration: 1 }), "audio/ogg", undefined],
    [
      "media",
      (key: string) => ({ file_key: key, image_key: "img_1", file_name: "a.mp4" }),
      "video/mp4",
      "a.mp4",
    ],
    [
      "post",
      (key: string) => ({ title: "", content: [[{ tag: "media", file_key: key }]] }),
      "video/mp4",
      undefined,
    ],
  ])("as %s is fetched by its message and its key", async (type, content, mediaType, name) => {
    await using rig = await receive(type, content, mediaType);
    const fetched = await rig.adapter.fetchFile?.(rig.file, 1000, live());
    expect(fetched).toEqual({
      bytes: Buffer.alloc(1000, 7),
      mediaType,
      ...(name === undefined ? {} : { name }),
    });
  });

  test("without a type keeps the one that its message told", async () => {
    await using rig = await receive("audio", (key) => ({ file_key: key }), "application/octet-stream");
    expect((await rig.adapter.fetchFile?.(rig.file, 1000, live()))?.mediaType).toBe("audio/ogg");
  });

  test("is refused when it is too large, is gone, or is none", async () => {
    await using rig = await receive("image", (key) => ({ image_key: key }), "image/png");
    const { adapter, fake } = rig;
    const fetch = (given: InboundFile, most = 1000) => failureOf(adapter.fetchFile?.(given, most, live()));
    expect((await fetch(rig.file, 999)).kind).toBe("refused");
    fake.fail(
      "GET /im/v1/messages/:id/resources/:id",
      { code: 234037, msg: "Downloaded file size exceeds limit." },
      1,
    );
    expect((await fetch(rig.file)).message).toContain("100 MB");
    for (const ref of ["", "image", "image:om_1", "audio:om_1:key", "image:../../x:y"])
      expect((await fetch({ kind: "image", ref })).kind).toBe("refused");
  });

  test("is asked for again with a new token, and later when Feishu fails", async () => {
    await using rig = await receive("image", (key) => ({ image_key: key }), "image/png");
    rig.fake.expireTokens();
    expect((await rig.adapter.fetchFile?.(rig.file, 1000, live()))?.bytes).toHaveLength(1000);
    rig.fake.fail("GET /im/v1/messages/:id/resources/:id", { page: "", status: 502 }, 1);
    expect((await failureOf(rig.adapter.fetchFile?.(rig.file, 1000, live()))).kind).toBe("unavailable");
  });
});
