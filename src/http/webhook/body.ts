import type { Admission } from "../admission.ts";
import { readBytes } from "../body.ts";
import type { SurfaceParts } from "../edge.ts";
import type { Reading } from "./reading.ts";

/** What reading the body of a call works with. */
export type BodyParts = Pick<SurfaceParts, "config" | "socket">;

/** The body of a call to this account or route. What cannot be read to its end takes its connection with it. */
export async function bodyOf(
  { config, socket }: BodyParts,
  reading: Reading,
  account: string,
  request: Request,
  { headers }: Admission,
): Promise<Uint8Array> {
  const { max_body_bytes: maxBytes } = config.current.gateway.webhook;
  const announced = request.headers.get("content-length");
  const mayGrowTo = announced === null ? maxBytes : Number(announced);
  try {
    return await reading.read(account, mayGrowTo, () =>
      readBytes({ socket }, request, { maxBytes, key: "gateway.webhook" }),
    );
  } catch (error) {
    headers["connection"] = "close";
    throw error;
  }
}
