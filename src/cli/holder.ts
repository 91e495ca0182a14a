import { hostname } from "node:os";
import { formatTime } from "./output.ts";

/** How other processes are told of this one, when they want to connect what it connects. */
export function holderName(command: string): string {
  return `\`${command}\` (process ${process.pid} on ${hostname()} since ${formatTime(Date.now())})`;
}
