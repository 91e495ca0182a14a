import { GUARD_ARGUMENT, READING_ARGUMENT } from "./tools/self.ts";

// Files that Hermes makes are for its own user only: database, token, log.
process.umask(0o077);
if (process.argv[2] === GUARD_ARGUMENT) {
  // Before anything touches stdout: that would make it non-blocking, and it is the output of a command, too.
  const { guard } = await import("./tools/terminal/guard-process.ts");
  process.exit(await guard(process.argv.slice(3)));
}
process.stdout.on("error", ({ code }: NodeJS.ErrnoException) => {
  // A reader that has seen enough, such as `head`, closes the pipe: nothing is left to do, and nothing is wrong.
  if (code === "EPIPE") process.exit(0);
  process.stderr.write(`error: The output could not be written (${code}).\n`, () => process.exit(1));
});
// A service goes on when nobody reads its log any more.
process.stderr.on("error", () => undefined);
if (process.argv[2] === READING_ARGUMENT) {
  await (await import("./tools/web/reading-process.ts")).serveReading();
  process.exit(0);
}
const { run } = await import("./cli/program.ts");
const code = await run(process.argv.slice(2));
process.exitCode = code; // for a stream that has failed and ends without saying so
// Exit only when the last words have left the process, also through a full pipe, for which an empty write would not wait.
// What went wrong with them is told a moment after `end`.
process.stdout.end(() => process.stderr.end(() => setImmediate(() => process.exit(code))));
