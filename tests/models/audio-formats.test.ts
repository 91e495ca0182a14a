import { expect, test } from "bun:test";
import { audioFormat, geminiHears, openAiHears } from "../../src/models/audio-formats.ts";

const hears = (model: string) => (mediaType: string) => openAiHears({ model }, mediaType);
const TYPES = [
  "audio/wav",
  "audio/x-wav",
  "audio/mpeg",
  "audio/aiff",
  "audio/aac",
  "audio/ogg; codecs=opus",
  "audio/flac",
  "audio/mp4",
  "audio/amr",
  "audio/AMR-WB",
  "audio/webm",
  "audio/silk",
];
const ALL_KNOW = TYPES.slice(0, 7);

test("a format has one name", () => {
  expect(TYPES.map(audioFormat)).toEqual([
    "wav",
    "wav",
    "mp3",
    "aiff",
    "aac",
    "ogg",
    "flac",
    "m4a",
    "amr",
    "amr-wb",
    "webm",
    "silk",
  ]);
});

test("Gemini takes what its documentation lists", () => {
  expect(TYPES.filter(geminiHears)).toEqual(ALL_KNOW);
});

test.each(["gpt-audio", "openai/gpt-audio-mini", "gpt-4o-audio-preview", "gpt-4o-mini-audio-preview"])(
  "%s takes nothing but wav and mp3",
  (model) => {
    expect(TYPES.filter(hears(model))).toEqual(TYPES.slice(0, 3));
  },
);

test("others behind the OpenAI wire take no AMR, and nothing of which that is not certain", () => {
  expect(TYPES.filter(hears("google/gemini-3-flash"))).toEqual([...ALL_KNOW, "audio/mp4"]);
});
