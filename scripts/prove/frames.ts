/** One event of a stream exactly as it came, byte for byte. */
export interface Frame {
  /** The bytes with the empty line that ends them, as Latin-1, so that equal strings are equal bytes. */
  raw: string;
  id: string;
  event: string;
  data: Record<string, unknown>;
}

/** The events of a response. Comments are no events: they depend on the time and are left out. Throws when cut. */
export async function* readFrames(response: Response): AsyncGenerator<Frame> {
  if (!response.body) return;
  let rest = "";
  for await (const bytes of response.body) {
    const parts = (rest + Buffer.from(bytes).toString("latin1")).split("\n\n");
    rest = parts.pop() ?? "";
    for (const part of parts) {
      const frame = parseFrame(`${part}\n\n`);
      if (frame) yield frame;
    }
  }
  if (rest !== "") throw new Error(`the stream ends inside an event: ${rest.slice(0, 100)}`);
}

function parseFrame(raw: string): Frame | null {
  const fields = new Map<string, string>();
  for (const line of raw.split("\n")) {
    const colon = line.indexOf(": ");
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 2));
  }
  const data = fields.get("data");
  if (data === undefined) return null;
  return {
    raw,
    id: fields.get("id") ?? "",
    event: fields.get("event") ?? "",
    data: JSON.parse(Buffer.from(data, "latin1").toString("utf8")) as Record<string, unknown>,
  };
}

export function isLast(frame: Frame): boolean {
  return frame.event === "run.completed" || frame.event === "run.failed";
}

/** The text that a reader of the deltas has before them at the end; a delta with `reset` takes back what it continues. */
export function textOf(frames: readonly Frame[]): string {
  let text = "";
  for (const { event, data } of frames) {
    if (event === "tool.started") text = "";
    if (event !== "message.delta") continue;
    text = (data["reset"] === true ? "" : text) + String(data["delta"]);
  }
  return text;
}
