import type { Admission } from "../admission.ts";
import { content } from "../answers.ts";

/**
 * Serves a file that never changes while the process runs. The build compresses the large ones, which their names then say:
 * those go out as they are to clients that take gzip, and decompressed to others.
 */
export function serveFile(path: string, type: string) {
  const headers = { "content-type": type, "cache-control": "public, max-age=3600" };
  return async (admission: Admission, request: Request): Promise<Response> => {
    const file = Bun.file(path);
    if (!path.endsWith(".gz")) return content(admission, file, headers);
    const varying = { ...headers, vary: "accept-encoding" };
    if (takesGzip(request)) return content(admission, file, { ...varying, "content-encoding": "gzip" });
    return content(admission, new Blob([Bun.gunzipSync(await file.bytes())]), varying);
  };
}

/** RFC 9110, 12.5.3: named, and not with a weight of 0. */
function takesGzip(request: Request): boolean {
  const codings = (request.headers.get("accept-encoding") ?? "").toLowerCase().split(",");
  return codings.some((coding) => {
    const [name, ...parameters] = coding.split(";").map((part) => part.trim());
    return name === "gzip" && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
}
