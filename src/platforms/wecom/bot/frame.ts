import { type Fields, fieldsOf, textOf } from "../../fields.ts";

/** What goes over a long connection in either direction (https://developer.work.weixin.qq.com/document/path/101463). */
export interface Frame {
  /** Empty in answers to our own frames. */
  cmd: string;
  /** Answers carry that of what they answer. */
  reqId: string;
  body: Fields;
  /** 0 where all is well. */
  errcode: number;
  errmsg: string;
}

/** Sign for what is no text; some of it comes raw within strings, where JSON has no place for it. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is these that are meant
const CONTROL = /[\0-\x08\x0b-\x1f]/g;

/** Reads a frame; null for what is none. */
export function readFrame(data: unknown): Frame | null {
  if (typeof data !== "string") return null;
  try {
    const { cmd, headers, body, errcode, errmsg } = fieldsOf(JSON.parse(data.replace(CONTROL, "")));
    return {
      cmd: textOf(cmd),
      reqId: textOf(fieldsOf(headers)["req_id"]),
      body: fieldsOf(body),
      errcode: Number(errcode ?? 0),
      errmsg: textOf(errmsg),
    };
  } catch {
    return null; // no JSON
  }
}

/** Writes a frame of ours. */
export function writeFrame(cmd: string, reqId: string, body: Fields | undefined): string {
  return JSON.stringify({ cmd, headers: { req_id: reqId }, body });
}
