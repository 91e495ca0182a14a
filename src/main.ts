import { run } from "./cli/program.ts";

// Files that Hermes makes are for its own user only: database, token, log.
process.umask(0o077);
// A reader that has seen enough, such as `head`, closes the pipe: nothing is left to do, and nothing is wrong.
process.stdout.on("error", () => process.exit(0));
// A service goes on when nobody reads its log any more.
process.stderr.on("error", () => undefined);
const code = await run(process.argv.slice(2));
// Exit only when the last words have left the process, also through a pipe.
process.stdout.write("", () => process.stderr.write("", () => process.exit(code)));
