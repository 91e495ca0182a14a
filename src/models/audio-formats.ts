import type { Endpoint } from "./endpoint.ts";

/** Names of formats that are not the subtype of their media type. */
const FORMATS: Readonly<Record<string, string>> = {
  mpeg: "mp3",
  mp4: "m4a",
  wave: "wav",
  "vnd.wave": "wav",
  aacp: "aac",
};

/** ai.google.dev/gemini-api/docs/audio */
const GEMINI: readonly string[] = ["wav", "mp3", "aiff", "aac", "ogg", "flac"];
/** OpenAI's own models refuse every other one (Chat Completions, `input_audio.format`). */
const OPENAI: readonly string[] = ["wav", "mp3"];
const OPENAI_AUDIO_MODEL = /(^|\/)gpt-(4o-(mini-)?)?audio/;
/** Of other models behind that wire: what OpenRouter and the common servers read. */
const OTHERS: readonly string[] = [...GEMINI, "m4a"];

/** The name by which providers know the format of a recording: `mp3` for `audio/mpeg`. */
export function audioFormat(mediaType: string): string {
  const subtype = mediaType
    .toLowerCase()
    .replace(/^.*\/(x-)?|;.*$/g, "")
    .trim();
  return FORMATS[subtype] ?? subtype;
}

/** True for a recording that the Gemini API takes. */
export function geminiHears(mediaType: string): boolean {
  return GEMINI.includes(audioFormat(mediaType));
}

/** True for a recording that a model behind the OpenAI wire takes for certain. */
export function openAiHears({ model }: Pick<Endpoint, "model">, mediaType: string): boolean {
  return (OPENAI_AUDIO_MODEL.test(model) ? OPENAI : OTHERS).includes(audioFormat(mediaType));
}
