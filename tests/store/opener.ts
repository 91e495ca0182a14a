import { readdirSync, readlinkSync } from "node:fs";
import { basename } from "node:path";
import { openStore } from "../../src/store/open.ts";
import { quietLog } from "../support/store.ts";

/**
 * `opener.ts DATABASE`: opens and closes the store again and again until its stdin ends. Prints `open` at the first time, and
 * at the end, as JSON, every error and every file that it had open as the database and that is not the one at the path.
 */
const [path = ""] = process.argv.slice(2);
const wrong: string[] = [];
let ended = false;
let opened = 0;
void Bun.stdin.text().then(() => {
  ended = true;
});
while (!ended) {
  try {
    const store = await openStore({ path, log: quietLog() });
    if (opened++ === 0) console.log("open");
    wrong.push(...openFiles().filter((file) => isDatabase(file) && file !== path));
    await store.memory.set("owner", "opened", opened, "test");
    await store.close();
  } catch (error) {
    wrong.push(String(error));
  }
  await Bun.sleep(10 * Math.random());
}
console.log(JSON.stringify(wrong));

function isDatabase(file: string): boolean {
  return file.includes(basename(path)) && !/-(wal|shm)\b/.test(file);
}

function openFiles(): string[] {
  return readdirSync("/proc/self/fd").flatMap((descriptor) => {
    try {
      return [readlinkSync(`/proc/self/fd/${descriptor}`)];
    } catch {
      return []; // closed meanwhile, such as the one of this directory
    }
  });
}
