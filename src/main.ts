import { run } from "./cli/program.ts";

// Files that Hermes makes are for its own user only: database, token, log.
process.umask(0o077);
const code = await run(process.argv.slice(2));
// Exit only when the last words have left the process, also through a pipe.
process.stdout.write("", () => process.stderr.write("", () => process.exit(code)));
