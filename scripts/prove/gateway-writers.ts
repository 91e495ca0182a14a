import type { ChatServer, Written } from "../../tests/contract/server.ts";
import { promptFor } from "./recording-model.ts";

/** A message that somebody wrote, and how often it was delivered. */
export interface Question {
  platform: string;
  name: string;
  person: number;
  deliveries: number;
  written: Written;
}

/** The people of one platform. */
export interface Writers {
  readonly questions: readonly Question[];
  /** Writes all messages, each delivered several times soon after. Resolves once the last one is written. */
  write(): Promise<void>;
  /** Delivers so many of the messages once more. */
  redeliverSome(count: number): void;
}

const MAX_DELIVERIES = 10;
const EVERY_MS = 25;

/** People who write in turn to the bot of one platform. */
export function createWriters(parts: { server: ChatServer; messages: number; people: number }): Writers {
  const { server, messages, people } = parts;
  const questions: Question[] = [];

  const again = (question: Question) => {
    if (question.deliveries >= MAX_DELIVERIES) return;
    question.deliveries += 1;
    question.written.redeliver();
  };
  const writeOne = (n: number) => {
    const name = `${server.platform}-${String(n).padStart(5, "0")}`;
    const person = 1 + (n % people);
    const chunks = 1 + Math.floor(Math.random() * 6);
    const text = promptFor({ name, chunks, everyMs: Math.floor(Math.random() * 60) });
    const question = {
      platform: server.platform,
      name,
      person,
      deliveries: 1,
      written: server.write(person, text),
    };
    questions.push(question);
    const more = Math.floor(Math.random() * MAX_DELIVERIES);
    for (let i = 0; i < more; i++) setTimeout(again, i < 3 ? 0 : Math.random() * 4_000, question);
  };

  return {
    questions,
    async write() {
      for (let n = 0; n < messages; n++) {
        writeOne(n);
        await Bun.sleep(EVERY_MS * 2 * Math.random());
      }
    },
    redeliverSome(count) {
      for (let i = 0; i < count; i++) {
        const question = questions[Math.floor(Math.random() * questions.length)];
        if (question) again(question);
      }
    },
  };
}
