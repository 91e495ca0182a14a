/** What must come of a message to a model of the fake. */
export interface Expectation {
  /** The model's name, which is its script. */
  model: string;
  /** What the user says; the cell's name is put in front. */
  say?: string;
  /** The whole right answer, given what the user said; any other text counts as wrong. */
  answer?: (said: string) => string | RegExp;
  /** The error codes of which it may end in one. */
  errors?: RegExp;
  /** Why the model stopped, as the answer must tell. */
  finishReason?: string;
  /** Most calls to the model for one step. */
  callsAtMost?: number;
  /** Tool calls that begin in the run. */
  toolCalls?: number;
}

const words = (count: number) => Array.from({ length: count }, (_, i) => `word${i + 1} `).join("");
const greeting = (said: string) =>
  `Hello! I am the fake model that ships with Hermes: there is no real AI behind me. You said: "${said}". Set the key of a model provider to talk to a real one.`;
const recovered = (model: string): Expectation => ({ model, answer: greeting });
const failed = (model: string, errors: RegExp): Expectation => ({ model, errors });
const afterTools = /^The tools answered: \S/;

/** Refused for good: asking again would not help. */
const refused = (model: string): Expectation => ({ model, errors: /^model_refused$/, callsAtMost: 1 });

/** One row per scenario of the fake; a scenario that is not here fails the proof. */
export const EXPECTATIONS: readonly Expectation[] = [
  recovered("hello"),
  { model: "echo", answer: (said) => said },
  { model: "recall", answer: (said) => said },
  { model: "text-100", answer: () => words(100) },
  { model: "text-100-every-20", answer: () => words(100) },
  { model: "slow-100", answer: () => words(20) },
  recovered("first-1000"),
  { model: "tool", answer: () => afterTools, toolCalls: 1 },
  { model: "tools-3", answer: () => afterTools, toolCalls: 3 },
  { model: "tool-memory_list", answer: () => /^I was offered no tools\.$|^The tools answered: / },
  {
    model: "script",
    say: 'call todolist_create {"todos":[{"title":"CELL"}]}\nsay All done.',
    answer: () => "All done.",
    toolCalls: 1,
  },
  {
    model: "obedient",
    say: 'call todolist_create {"todos":[{"title":"CELL"}]}',
    answer: () => afterTools,
    toolCalls: 1,
  },
  { model: "think", answer: () => afterTools, toolCalls: 1 },
  failed("429", /^model_rate_limited$/),
  recovered("429-once"),
  failed("500", /^model_/),
  recovered("500-once"),
  failed("503", /^model_/),
  recovered("503-once"),
  failed("529", /^model_/),
  recovered("529-once"),
  refused("401"),
  refused("400"),
  failed("reset-600", /^model_/),
  recovered("reset-600-once"),
  failed("stall", /^model_timeout$/),
  failed("stall-3", /^model_timeout$/),
  recovered("stall-3-once"),
  failed("truncated-3", /^model_/),
  recovered("truncated-3-once"),
  failed("badjson", /^model_bad_answer$/),
  { model: "badutf8", answer: () => "一切都好 ✓ 🙂 héllo" },
  { model: "slice", answer: () => "你好 one byte at a time" },
  failed("endless", /^(model_|budget_exceeded)/),
  { model: "dup-ids", answer: () => afterTools, toolCalls: 2 },
  { model: "missing-ids", answer: () => afterTools, toolCalls: 2 },
  failed("html", /^model_/),
  { model: "length", answer: () => words(10), finishReason: "length" },
  failed("gzip-bomb", /^model_/),
];
