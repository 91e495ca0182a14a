import { describe, expect, test } from "bun:test";
import type { InboundFile, OutboundFile } from "../../../src/platforms/contract.ts";
import { startFakeDingTalk } from "../../fakes/dingtalk/index.ts";
import { adapterOf, failureOf, never, outbound, startListening } from "./setup.ts";

const file = (name: string, mediaType: string, text = "bytes"): OutboundFile => ({
  name,
  mediaType,
  bytes: new TextEncoder().encode(text),
});

describe("files that come", () => {
  test("are fetched by the code that the message brings", async () => {
    await using listening = await startListening();
    const { fake, adapter } = listening;
    const code = fake.addFile(Buffer.from("%PDF-1.7"), "application/pdf");
    fake.write({
      more: { msgtype: "file", text: undefined, content: { downloadCode: code, fileName: "报告.pdf" } },
    });
    await fake.until(() => listening.events.length === 1, "it is there");
    const [inbound] = listening.taken[0]?.files ?? [];
    const fetched = await adapter.fetchFile?.(inbound as InboundFile, 100, never);
    expect(fetched).toMatchObject({ mediaType: "application/pdf", name: "报告.pdf" });
    expect(Buffer.from(fetched?.bytes ?? []).toString()).toBe("%PDF-1.7");
    expect(fake.calls("file")[0]?.json).toEqual({ downloadCode: code, robotCode: fake.appKey });
    expect(fake.calls("bytes")[0]?.headers["x-acs-dingtalk-access-token"]).toBeUndefined();
  });

  test("whose type nobody tells go by their name", async () => {
    await using fake = startFakeDingTalk();
    const ref = fake.addFile(Buffer.from("x"));
    const fetched = await adapterOf(fake).fetchFile?.({ kind: "document", ref, name: "a.csv" }, 9, never);
    expect(fetched?.mediaType).toBe("text/csv");
    expect((await adapterOf(fake).fetchFile?.({ kind: "image", ref }, 9, never))?.mediaType).toBe(
      "application/octet-stream",
    );
  });

  test("that are too large, gone, or nowhere are refused; what fails comes again", async () => {
    await using fake = startFakeDingTalk();
    const adapter = adapterOf(fake);
    const ref = fake.addFile(Buffer.alloc(1001));
    const fetchIt = (maxBytes = 1000, code = ref) =>
      failureOf(adapter.fetchFile?.({ kind: "document", ref: code }, maxBytes, never));
    expect((await fetchIt()).message).toBe("The file is larger than 1000 bytes.");
    expect((await fetchIt(2000, "unknown")).kind).toBe("refused");
    fake.fail("bytes", { status: 404 }, 1);
    expect((await fetchIt(2000)).kind).toBe("refused");
    fake.fail("bytes", { status: 503 }, 1);
    expect((await fetchIt(2000)).kind).toBe("unavailable");
    fake.fail("file", { status: 500 }, 1);
    expect((await fetchIt(2000)).kind).toBe("unavailable");
  });
});

describe("files that go", () => {
  test("pictures are shown, all else is a file; the text goes first", async () => {
    await using fake = startFakeDingTalk();
    const files = [file("图.png", "image/png", "png"), file("报告.pdf", "application/pdf", "pdf")];
    await adapterOf(fake).send(outbound(fake, "here", { files }), never);
    expect(fake.shown(fake.directId(1)).map(({ kind, text }) => [kind, text])).toEqual([
      ["sampleText", "here"],
      ["sampleImageMsg", "[picture]"],
      ["sampleFile", "[报告.pdf]"],
    ]);
    expect(fake.calls("upload").map(({ query }) => query["type"])).toEqual(["image", "file"]);
    const uploads = await Promise.all(
      [...fake.uploads.values()].map(async (one) => [one.name, await one.text()]),
    );
    expect(uploads).toEqual([
      ["图.png", "png"],
      ["报告.pdf", "pdf"],
    ]);
    const parameters = JSON.parse(String(fake.calls("person")[2]?.json["msgParam"]));
    expect(parameters).toMatchObject({ fileName: "报告.pdf", fileType: "pdf" });
  });

  test("alone, and to a group", async () => {
    await using fake = startFakeDingTalk();
    const message = outbound(fake, "", { files: [file("a", "text/plain")], address: { chat: fake.groupId } });
    expect((await adapterOf(fake).send(message, never)).messageId).toStartWith("message:");
    expect(fake.shown(fake.groupId).map(({ kind }) => kind)).toEqual(["sampleFile"]);
  });

  test("a try after a failure sends nothing twice", async () => {
    await using fake = startFakeDingTalk();
    const adapter = adapterOf(fake);
    const message = outbound(fake, "here", {
      files: [file("a.txt", "text/plain"), file("b.txt", "text/plain")],
    });
    fake.fail("upload", { status: 502 }, 1);
    expect((await failureOf(adapter.send(message, never))).kind).toBe("unavailable");
    await adapter.send(message, never);
    expect(fake.shown(fake.directId(1)).map(({ text }) => text)).toEqual(["here", "[a.txt]", "[b.txt]"]);
  });

  test("a token that the older API refuses is replaced", async () => {
    await using fake = startFakeDingTalk();
    const adapter = adapterOf(fake);
    await adapter.send(outbound(fake, "x"), never);
    fake.expireTokens();
    await adapter.send(outbound(fake, "", { files: [file("a.txt", "text/plain")] }), never);
    expect([fake.calls("token").length, fake.calls("upload").length]).toEqual([2, 2]);
  });

  test("what DingTalk does not take is refused, in words without the token", async () => {
    await using fake = startFakeDingTalk();
    const adapter = adapterOf(fake);
    const large = {
      name: "large.bin",
      mediaType: "application/octet-stream",
      bytes: new Uint8Array(20 * 1024 * 1024 + 1),
    };
    expect((await failureOf(adapter.send(outbound(fake, "", { files: [large] }), never))).message).toBe(
      "large.bin has 20971521 bytes; DingTalk takes up to 20 MB.",
    );
    fake.fail("upload", { errcode: 40004 }, 1);
    const small = outbound(fake, "", { files: [file("a.txt", "text/plain")] });
    const error = await failureOf(adapter.send(small, never));
    expect([error.kind, error.message]).toEqual(["refused", "DingTalk refused the file: 40004."]);
    expect((await failureOf(adapter.send(outbound(fake, ""), never))).kind).toBe("refused");
  });
});
