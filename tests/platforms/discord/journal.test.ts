import { expect, test } from "bun:test";
import { createJournal, type Journal } from "../../../src/platforms/discord/journal.ts";
import type { Session } from "../../../src/platforms/discord/state.ts";
import { createHeard, SHORT_TIMING } from "./setup.ts";

const session = (sequence: number, id = "a"): Session => ({
  id,
  resumeUrl: "wss://gateway.example",
  sequence,
  bot: { id: "1", name: "hermes" },
});

/** A journal and the session that it saves. */
function open(): { journal: Journal; saved: () => Session | null | undefined } {
  const heard = createHeard();
  const journal = createJournal(heard.hooks, SHORT_TIMING);
  return {
    journal,
    saved() {
      journal.save();
      return heard.saved.at(-1)?.session;
    },
  };
}

test("the session is saved as far as everything before is stored", () => {
  const { journal, saved } = open();
  expect(saved()).toBeNull();
  journal.begin(session(1));
  expect(saved()).toEqual(session(1));
  journal.received(2);
  const second = journal.open();
  journal.received(3);
  journal.received(4);
  const fourth = journal.open();
  journal.received(5);
  expect(saved()).toEqual(session(1));
  expect(journal.session).toEqual(session(5)); // this process has them all
  fourth.stored();
  expect(saved()).toEqual(session(1));
  second.stored();
  second.stored();
  expect(saved()).toEqual(session(5));
  expect(journal.pending).toBe(0);
});

test("no session is saved while something is open that it would not bring back", () => {
  const { journal, saved } = open();
  journal.begin(session(7));
  journal.received(8);
  const ofOldSession = journal.open();
  journal.lose();
  expect(saved()).toBeNull();
  journal.begin(session(1, "b"));
  const list = journal.open(true);
  expect(saved()).toBeNull();
  ofOldSession.stored();
  expect(saved()).toBeNull();
  expect(journal.pending).toBe(1);
  journal.received(2);
  const ofNewSession = journal.open();
  list.stored();
  expect(saved()).toEqual(session(1, "b"));
  ofNewSession.stored();
  expect(saved()).toEqual(session(2, "b"));
});

test("an event that came before is known as such", () => {
  const { journal } = open();
  expect(journal.received(1)).toBe(false); // without a session nothing can come
  journal.begin(session(3));
  expect([journal.received(4), journal.received(4), journal.received(2)]).toEqual([true, false, false]);
  expect(journal.session?.sequence).toBe(4);
});

test("after it is closed it saves nothing any more", async () => {
  const heard = createHeard();
  const journal = createJournal(heard.hooks, SHORT_TIMING);
  journal.begin(session(1));
  journal.received(2);
  const event = journal.open();
  journal.saveSoon();
  journal.close();
  event.stored();
  await Bun.sleep(3 * SHORT_TIMING.saveEveryMs);
  expect(heard.saved).toHaveLength(1);
});
