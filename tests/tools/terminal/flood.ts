// How much memory a flood of output costs, in a process of its own: `flood.ts MODE` prints the growth in bytes.
import { createBench, type Mode } from "./arena.ts";

const bench = createBench(process.argv[2] as Mode);
await bench.call("terminal_run", { command: "true" });
Bun.gc(true);
const before = process.memoryUsage().rss;
await bench.call("terminal_run", { command: "head -c 60000000 /dev/zero | tr '\\0' 'x'" });
console.log(process.memoryUsage().rss - before);
await bench.remove();
