/** A server-sent event as a client sees it (WHATWG HTML §9.2.6). */
export interface SseEvent {
  /** The last event id of the stream at this event; empty before the first one. */
  id: string;
  /** `message` unless the stream named it. */
  event: string;
  data: string;
}

export interface SseParser {
  /** Takes the next bytes, cut anywhere, and returns the events that they complete. An unfinished event is kept. */
  push(bytes: Uint8Array): SseEvent[];
}

/** A line or an event of the stream is longer than the parser was told to accept. */
export class SseTooLargeError extends Error {
  override readonly name = "SseTooLargeError";
}

/**
 * An incremental parser of `text/event-stream` (WHATWG HTML §9.2.5 and §9.2.6): lines end with LF, CR or CRLF, one leading
 * BOM is dropped, invalid UTF-8 becomes U+FFFD, comments and unknown fields are skipped, events without data are not
 * dispatched. `retry` is skipped too: the parser does not reconnect. Throws `SseTooLargeError` once a line or an event's
 * data is longer than `maxEventChars`.
 */
export function createSseParser({ maxEventChars }: { maxEventChars: number }): SseParser {
  const decoder = new TextDecoder("utf-8");
  let rest = ""; // an unfinished line; it has no line end, so only new text is searched
  let afterCr = false; // the last text ended in CR: an LF that comes next belongs to it
  let lastId = "";
  let type = "";
  let data: string | null = null;

  function field(line: string, events: SseEvent[]): void {
    if (line === "") {
      if (data !== null) events.push({ id: lastId, event: type || "message", data });
      type = "";
      data = null;
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line.charCodeAt(colon + 1) === 32 ? colon + 2 : colon + 1);
    if (name === "data") data = data === null ? value : `${data}\n${value}`;
    else if (name === "event") type = value;
    else if (name === "id" && !value.includes("\0")) lastId = value;
    if (data !== null && data.length > maxEventChars) throw tooLarge(maxEventChars);
  }

  return {
    push(bytes) {
      const events: SseEvent[] = [];
      const text = decoder.decode(bytes, { stream: true });
      let from = afterCr && text.startsWith("\n") ? 1 : 0;
      if (text !== "") afterCr = text.endsWith("\r");
      let lf = text.indexOf("\n", from);
      let cr = text.indexOf("\r", from);
      while (lf >= 0 || cr >= 0) {
        const end = cr >= 0 && (lf < 0 || cr < lf) ? cr : lf;
        field(rest + text.slice(from, end), events);
        rest = "";
        from = end === cr && lf === cr + 1 ? end + 2 : end + 1;
        if (lf >= 0 && lf < from) lf = text.indexOf("\n", from);
        if (cr >= 0 && cr < from) cr = text.indexOf("\r", from);
      }
      rest += from === 0 ? text : text.slice(from);
      if (rest.length > maxEventChars) throw tooLarge(maxEventChars);
      return events;
    },
  };
}

function tooLarge(maxEventChars: number): SseTooLargeError {
  return new SseTooLargeError(`an event of the stream is longer than ${maxEventChars} characters`);
}

const LINE_END = /\r\n|\r|\n/;

/** One event as text for the wire. Line ends in `data` become LF, as the format demands; `id` and `event` must have none. */
export function encodeSseEvent({ id, event, data }: { id?: string; event?: string; data: string }): string {
  if (LINE_END.test(id ?? "") || id?.includes("\0"))
    throw new TypeError("an event id has no line end or NUL");
  if (LINE_END.test(event ?? "")) throw new TypeError("an event name has no line end");
  const head = (id === undefined ? "" : `id: ${id}\n`) + (event === undefined ? "" : `event: ${event}\n`);
  const lines = LINE_END.test(data) ? data.split(LINE_END).join("\ndata: ") : data;
  return `${head}data: ${lines}\n\n`;
}

/** A comment as text for the wire: clients skip it, proxies see traffic. */
export function encodeSseComment(comment: string): string {
  return `: ${comment.split(LINE_END).join("\n: ")}\n\n`;
}
