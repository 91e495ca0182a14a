import { statfsSync } from "node:fs";
import { tmpdir } from "node:os";

export function freeDiskBytes(): number {
  const { bavail, bsize } = statfsSync(tmpdir());
  return bavail * bsize;
}
