import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Admission } from "../../../src/http/admission.ts";
import { serveFile } from "../../../src/http/docs/file.ts";

const TEXT = "a style sheet\n".repeat(100);
const admission = { requestId: "r", headers: {} } as Admission;

async function serve(name: string, acceptEncoding?: string) {
  const directory = mkdtempSync(join(tmpdir(), "hermes-file-"));
  const path = join(directory, name);
  writeFileSync(path, name.endsWith(".gz") ? Bun.gzipSync(TEXT) : TEXT);
  const headers = acceptEncoding === undefined ? {} : { "accept-encoding": acceptEncoding };
  const answer = await serveFile(path, "text/css")(admission, new Request("http://h/", { headers }));
  const bytes = new Uint8Array(await answer.arrayBuffer());
  rmSync(directory, { recursive: true });
  return { headers: answer.headers, bytes };
}

for (const accepted of ["gzip", "br, GZIP", "deflate, gzip;q=0.5, br"])
  test(`a compressed file goes out as it is to a client that takes ${accepted}`, async () => {
    const { headers, bytes } = await serve("s.css.gz", accepted);
    expect([headers.get("content-encoding"), headers.get("vary")]).toEqual(["gzip", "accept-encoding"]);
    expect(headers.get("content-type")).toBe("text/css");
    expect(Buffer.from(Bun.gunzipSync(bytes)).toString()).toBe(TEXT);
  });

for (const accepted of [undefined, "", "identity", "br", "gzip;q=0", "gzip; q=0.00", "xgzip"])
  test(`a compressed file is decompressed for a client that takes ${accepted ?? "whatever"}`, async () => {
    const { headers, bytes } = await serve("s.css.gz", accepted);
    expect([headers.get("content-encoding"), headers.get("vary")]).toEqual([null, "accept-encoding"]);
    expect(Buffer.from(bytes).toString()).toBe(TEXT);
  });

test("another file goes out as it is to everybody", async () => {
  const { headers, bytes } = await serve("s.css", "gzip");
  expect([headers.get("content-encoding"), headers.get("vary")]).toEqual([null, null]);
  expect(Buffer.from(bytes).toString()).toBe(TEXT);
});
