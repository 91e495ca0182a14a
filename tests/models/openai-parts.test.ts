import { describe, expect, test } from "bun:test";
import { wireParts } from "../../src/models/openai-parts.ts";
import type { Part } from "../../src/store/records.ts";
import { endpoint } from "../support/models.ts";

const recording = (mediaType: string): Part => ({ type: "audio", mediaType, data: "T2dn" });
const anywhere = endpoint({ baseUrl: "https://models.example/v1" });

describe("a recording in the OpenAI wire format", () => {
  const formats = {
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/vnd.wave": "wav",
    "audio/mp4": "m4a",
    "audio/x-m4a": "m4a",
    "audio/ogg": "ogg",
    "audio/flac": "flac",
  };
  for (const [mediaType, format] of Object.entries(formats))
    test(`${mediaType} is ${format}`, () => {
      expect(wireParts([recording(mediaType)], anywhere)).toEqual([
        { type: "input_audio", input_audio: { data: "T2dn", format } },
      ]);
    });

  test("goes to Alibaba as a data URL", () => {
    const alibaba = endpoint({ baseUrl: "https://dashscope.aliyuncs.com/compatible-mode/v1" });
    expect(wireParts([recording("audio/ogg")], alibaba)).toEqual([
      { type: "input_audio", input_audio: { data: "data:;base64,T2dn", format: "ogg" } },
    ]);
  });
});

test("text alone is one string", () => {
  const parts: Part[] = ["a", "b"].map((text) => ({ type: "text", text }));
  expect(wireParts(parts, anywhere)).toBe("a\nb");
});
