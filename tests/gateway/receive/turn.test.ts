import { describe, expect, test } from "bun:test";
import { placeOf } from "../../../src/gateway/receive/place.ts";
import { turnOf } from "../../../src/gateway/receive/turn.ts";
import { message, toyChat } from "../../support/chat.ts";

/** What the model is told when somebody writes in chat 1. */
function instructionsWith(settings: Record<string, unknown>): string {
  const { account } = toyChat(settings).connection;
  const said = message("hi");
  const place = placeOf(account, said);
  const chat = { sessionId: null, model: null };
  const asked = { account, message: said, place, chat, sessionId: place.sessionId };
  return turnOf(asked, { canSendFiles: () => false }).instructions ?? "";
}

describe("the language of the answer", () => {
  test("is that of the account", () => {
    expect(instructionsWith({ language: "zh" })).toContain("Answer in Chinese.");
  });

  test("is that of the chat where it has one of its own", () => {
    expect(instructionsWith({ chats: { "1": { language: "zh" } } })).toContain("Answer in Chinese.");
    const both = instructionsWith({ language: "zh", chats: { "1": { language: "en" } } });
    expect(both).toContain("Answer in English.");
    expect(both).not.toContain("Chinese");
  });

  test("is not told where nobody chose one, or the chat takes the choice back", () => {
    expect(instructionsWith({})).not.toContain("Answer in");
    expect(instructionsWith({ language: "zh", chats: { "1": { language: "auto" } } })).not.toContain(
      "Answer in",
    );
    expect(instructionsWith({ chats: { "2": { language: "zh" } } })).not.toContain("Answer in");
  });
});
