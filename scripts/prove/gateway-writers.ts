import type { ChatServer, Written } from "../../tests/contract/server.ts";
import { answerTo, promptFor } from "./recording-model.ts";

/** A message that somebody wrote, and how often it was delivered. */
export interface Question {
  name: string;
  /** The one right answer. */
  answer: string;
  person: number;
  deliveries: number;
  written: Written;
}

/** The people of one platform. */
export interface Writers {
  readonly questions: readonly Question[];
  /** Writes messages until there are so many, spread over about this time, each delivered several times soon after. */
  writeUpTo(count: number, withinMs: number): Promise<void>;
  /** Delivers so many of the messages once more, those aside that are left out. */
  redeliverSome(count: number, without?: ReadonlySet<Question>): void;
}

const MAX_DELIVERIES = 10;

/** People who write in turn to the bot of one platform. `name` is in the name of each message. */
export function createWriters(parts: { server: ChatServer; name: string; people: number }): Writers {
  const { server, people } = parts;
  const questions: Question[] = [];

  const again = (question: Question) => {
    if (question.deliveries >= MAX_DELIVERIES) return;
    question.deliveries += 1;
    question.written.redeliver();
  };
  const writeOne = (n: number) => {
    const name = `${parts.name}-${String(n).padStart(5, "0")}`;
    const person = 1 + (n % people);
    const chunks = 1 + Math.floor(Math.random() * 6);
    const text = promptFor({ name, chunks, everyMs: Math.floor(Math.random() * 60) });
    const question = {
      name,
      answer: answerTo(text),
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
    async writeUpTo(count, withinMs) {
      const everyMs = withinMs / Math.max(1, count - questions.length);
      while (questions.length < count) {
        writeOne(questions.length);
        await Bun.sleep(everyMs * 2 * Math.random());
      }
    },
    redeliverSome(count, without) {
      for (let i = 0; i < count; i++) {
        const question = questions[Math.floor(Math.random() * questions.length)];
        if (question && !without?.has(question)) again(question);
      }
    },
  };
}
