import { describe, expect, test } from "bun:test";
import { type Content, type Outgoing, resumed, show } from "../../../src/gateway/deliver/outgoing.ts";
import { AppError } from "../../../src/lib/errors.ts";
import { PlatformError } from "../../../src/platforms/contract.ts";
import type { SentPart } from "../../../src/store/records.ts";
import { type ToyChat, toyChat } from "../../support/chat.ts";

const contents = (...texts: string[]): Content[] => texts.map((markdown) => ({ markdown }));
const texts = (chat: ToyChat) => chat.messages().map((one) => one.text);

const fileContent = (name: string): Content => ({
  markdown: "",
  file: { name, read: async () => ({ name, mediaType: "image/png", bytes: new Uint8Array(1) }) },
});

function outgoing(parts: SentPart[] = []): Outgoing {
  return {
    delivery: {
      id: "dlv_1",
      kind: "answer",
      target: { platform: "telegram", account: "", chat: "1" },
      position: 1,
      status: "waiting",
      parts,
      attempts: 0,
      dueAt: 0,
      error: null,
      createdAt: 0,
      finishedAt: null,
    },
    shown: [],
  };
}

/** Shows contents, and what was on disk at each moment a part was sent. */
function shower(chat: ToyChat, item: Outgoing, mayCall: () => Promise<boolean> = async () => true) {
  const recorded: number[] = [];
  const store = {
    async recordParts(_id: string, parts: SentPart[]) {
      recorded.push(parts.length);
    },
  };
  const options = { connection: chat.connection, store, mayCall, signal: new AbortController().signal };
  return {
    recorded,
    partial: (...all: string[]) => show(item, contents(...all), { ...options, isPartial: true }),
    whole: (...all: string[]) => show(item, contents(...all), { ...options, isPartial: false }),
    contents: (all: Content[]) => show(item, all, { ...options, isPartial: false }),
    withFiles: (text: string, ...names: string[]) =>
      show(item, [...contents(text), ...names.map(fileContent)], { ...options, isPartial: false }),
  };
}

/** Shows a part of an answer, and gives what knows of it. */
async function shown(chat: ToyChat, item: Outgoing, ...all: string[]): Promise<Outgoing> {
  await shower(chat, item).partial(...all);
  return item;
}

describe("a platform that knows a message by its id, and shows it as it came first", () => {
  test("shows the whole answer, also when a half was sent and the platform did not tell", async () => {
    const chat = toyChat();
    const item = outgoing();
    const { partial, whole } = shower(chat, item);
    const { send } = chat.connection.adapter;
    chat.connection.adapter.send = async (message, signal) => {
      chat.connection.adapter.send = send;
      await send(message, signal);
      throw new PlatformError("unavailable", "The answer got lost.");
    };
    await expect(partial("half")).rejects.toThrow("got lost");
    await whole("half and the rest");
    expect(texts(chat)).toEqual(["half and the rest"]);
  });

  test("shows it also when the process ended before it could note that it was sent", async () => {
    const chat = toyChat();
    const { delivery } = await shown(chat, outgoing(), "before", "half");
    const next = resumed({ ...delivery, parts: delivery.parts.slice(0, 1) });
    await shower(chat, next).whole("before", "half and the rest");
    expect(texts(chat)).toEqual(["before", "half and the rest"]);
  });

  test("is asked no more than once for what it took at once", async () => {
    const chat = toyChat();
    const item = outgoing();
    await shower(chat, item).whole("a", "b");
    chat.failures.push({ name: "send", error: new PlatformError("rate_limited", "slow") });
    await expect(shower(chat, item).whole("a", "b", "c")).rejects.toThrow("slow");
    await shower(chat, item).whole("a", "b", "c");
    expect(chat.calls.map(({ name }) => name)).toEqual(["send", "send", "send", "send"]);
  });
});

describe("showing a delivery", () => {
  test("sends, edits what differs, leaves the rest alone", async () => {
    const chat = toyChat();
    const item = outgoing();
    const shower1 = shower(chat, item);
    await shower1.partial("a");
    await shower1.partial("a", "b");
    await shower1.whole("a", "bc", "d");
    expect(texts(chat)).toEqual(["a", "bc", "d"]);
    expect(chat.messages().map((one) => one.isPartial)).toEqual([false, false, false]);
    expect(shower1.recorded).toEqual([1, 2]); // the last one is noted by the end of the delivery
    const before = chat.calls.length;
    await shower1.whole("a", "bc", "d");
    expect(chat.calls).toHaveLength(before);
  });

  test("tells the platform who reads along, where that is known", async () => {
    const scopes = async (extra?: unknown) => {
      const chat = toyChat();
      const item = outgoing();
      item.delivery.extra = extra;
      await shower(chat, item).whole("a");
      return chat.calls.map(({ message }) => message?.scope);
    };
    expect(await scopes({ language: "zh", scope: "direct" })).toEqual(["direct"]);
    expect(await scopes({ language: "zh", scope: "group" })).toEqual(["group"]);
    expect(await scopes()).toEqual([undefined]);
  });

  test("sends again only what was not noted, under the same id", async () => {
    const chat = toyChat();
    await shower(chat, outgoing()).whole("a", "b", "c");
    await shower(chat, outgoing([{ messageId: "m:dlv_1:0" }])).whole("a", "b", "c");
    expect(texts(chat)).toEqual(["a", "b", "c"]);
    const ids = chat.calls.flatMap((call) => (call.name === "send" ? [call.message?.idempotencyId] : []));
    expect(ids).toEqual(["dlv_1:0", "dlv_1:1", "dlv_1:2", "dlv_1:1", "dlv_1:2"]);
  });

  test("says of a part whether it may be there, and edits what was noted instead of sending it", async () => {
    const chat = toyChat();
    const item = resumed(outgoing([{ messageId: "m:dlv_1:0" }]).delivery);
    await chat.connection.adapter.send(
      { address: { chat: "1" }, markdown: "half", idempotencyId: "dlv_1:0" },
      new AbortController().signal,
    );
    chat.calls.length = 0;
    await shower(chat, item).whole("one", "two", "three");
    const sends = chat.calls.filter(({ name }) => name === "send").map(({ message }) => message);
    expect(sends.map((message) => [message?.markdown, message?.mayBeThere])).toEqual([
      ["two", true],
      ["three", undefined],
    ]);
    expect(texts(chat)).toEqual(["one", "two", "three"]);
  });

  test("removes what is too much once the answer is shorter", async () => {
    const chat = toyChat();
    const item = outgoing();
    const one = shower(chat, item);
    await one.partial("a", "b", "c");
    await one.partial("x");
    expect(texts(chat)).toEqual(["x", "b", "c"]);
    await one.whole("x");
    expect(texts(chat)).toEqual(["x"]);
    expect(item.delivery.parts).toHaveLength(1);
  });

  test("sends a message anew that somebody deleted", async () => {
    const chat = toyChat();
    const item = outgoing();
    await shower(chat, item).partial("a");
    chat.failures.push({ name: "edit", error: new PlatformError("refused", "message to edit not found") });
    await shower(chat, item).whole("ab");
    expect(texts(chat)).toEqual(["a", "ab"]);
    expect(item.delivery.parts).toEqual([{ messageId: "m:dlv_1:0:again" }]);
  });

  test("tells of a file that the platform refuses, and sends the others", async () => {
    const chat = toyChat();
    const item = outgoing();
    const error = new PlatformError("refused", "The file is too large.");
    chat.failures.push({ name: "send", file: "a.png", error });
    await shower(chat, item).withFiles("two files", "a.png", "b.png");
    expect(chat.messages().map(({ text, files }) => [text, files])).toEqual([
      ["two files", []],
      ["⚠️ `a.png` could not be sent: The file is too large.", []],
      ["", ["b.png"]],
    ]);
    expect(item.delivery.parts).toHaveLength(3);
    const calls = chat.calls.length;
    await shower(chat, outgoing([...item.delivery.parts])).withFiles("two files", "a.png", "b.png");
    expect(chat.messages()).toHaveLength(3);
    expect(chat.calls.slice(calls).map(({ name }) => name)).toEqual(["edit"]);
  });

  test("tries a file again that only could not be sent now", async () => {
    const chat = toyChat();
    chat.failures.push({ name: "send", file: "a.png", error: new PlatformError("unavailable", "later") });
    const item = outgoing();
    await expect(shower(chat, item).withFiles("text", "a.png")).rejects.toThrow("later");
    await shower(chat, item).withFiles("text", "a.png");
    expect(chat.messages().map(({ text, files }) => [text, files])).toEqual([
      ["text", []],
      ["", ["a.png"]],
    ]);
  });

  test("reads one file at a time, and tells of one that is gone by then", async () => {
    const chat = toyChat();
    const steps: string[] = [];
    const file = (name: string, problem?: string): Content => ({
      markdown: "",
      file: {
        name,
        async read() {
          steps.push(`read ${name}`);
          if (problem !== undefined) throw new AppError("not_found", problem);
          return { name, mediaType: "image/png", bytes: new Uint8Array(1) };
        },
      },
    });
    const { send } = chat.connection.adapter;
    chat.connection.adapter.send = (message, signal) => {
      steps.push(`send ${message.files?.[0]?.name ?? message.markdown}`);
      return send(message, signal);
    };
    await shower(chat, outgoing()).contents([file("a.png"), file("b.png", "It is gone."), file("c.png")]);
    expect(steps).toEqual([
      "read a.png",
      "send a.png",
      "read b.png",
      "send ⚠️ `b.png` could not be sent: It is gone.",
      "read c.png",
      "send c.png",
    ]);
  });

  test("leaves the rest for later where no call may be made", async () => {
    const chat = toyChat();
    let left = 1;
    await shower(chat, outgoing(), async () => left-- > 0).partial("a", "b");
    expect(texts(chat)).toEqual(["a"]);
  });

  test("only the first part replies", async () => {
    const chat = toyChat();
    const item = outgoing();
    item.delivery.target.replyTo = "77";
    await shower(chat, item).whole("a", "b");
    expect(chat.messages().map((one) => one.replyTo)).toEqual(["77", undefined]);
  });
});
