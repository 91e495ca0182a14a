import { openStore } from "../../src/store/open.ts";
import { quietLog } from "../support/store.ts";

/** `run-holder.ts DATABASE RUN`: starts the run, prints its instance, and lives until it is killed or its stdin ends. */
const [path = "", run = ""] = process.argv.slice(2);
const store = await openStore({ path, log: quietLog() });
if ((await store.runs.start(run, store.instance)) !== "started") throw new Error(`${run} does not start`);
console.log(store.instance);
await Bun.stdin.text();
