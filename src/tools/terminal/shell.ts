import { existsSync } from "node:fs";
import type { CommandLimits } from "./contract.ts";

/** What the start script writes when everything around the command stands. */
export const READY = "hermes: ready\n";
/** What it waits for on descriptor 3 before it starts the command. */
export const GO = "go\n";

const MAX_OPEN_FILES = 1024;
const BLOCK_BYTES = 512;
const KIB = 1024;

/**
 * Runs inside the sandbox, right before the command. Sets the limits, says READY, and waits to be told to go on: by then
 * everything that ends it together with Hermes is in force. Where Hermes has gone meanwhile, the pipe is at its end and
 * nothing is run. The text is always the same; what the caller wrote comes in as arguments and is never parsed here.
 * `ulimit` calls processes `-u` in bash and `-p` in dash.
 */
const START_SCRIPT = `
ulimit -c 0 && ulimit -d "$2" && ulimit -f "$3" && ulimit -n ${MAX_OPEN_FILES} || exit 126
ulimit -u "$4" 2>/dev/null || ulimit -p "$4" 2>/dev/null || exit 126
printf '${READY.replace("\n", "\\n")}'
IFS= read -r word <&3 && [ "$word" = ${GO.trim()} ] || exit 126
exec 3<&- 2>&1
cd -- "$1" || exit 126
shift 4
exec "$@"`;

/** The arguments of the start script before a command line. `processes` counts those of the user that it runs as. */
export function startArguments(
  argv: readonly string[],
  cwd: string,
  { memoryBytes, fileBytes, processes }: CommandLimits,
): string[] {
  const limits = [memoryBytes / KIB, fileBytes / BLOCK_BYTES, processes].map(
    (limit) => `${Math.floor(limit)}`,
  );
  return ["/bin/sh", "-c", START_SCRIPT, "hermes", cwd, ...limits, ...argv];
}

/** The shell that runs a command of the model, which stands after `--`, so that it is never taken for an option. */
export function shellArguments(command: string): string[] {
  // bash takes a socket at its input for a network login, and would read ~/.bashrc.
  return existsSync("/bin/bash")
    ? ["/bin/bash", "--noprofile", "--norc", "-c", "--", command]
    : ["/bin/sh", "-c", "--", command];
}

/** All variables that a command has, but those of the operator. */
export function baseEnvironment(home: string, temporary: string): Record<string, string> {
  return {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    HOME: home,
    USER: "hermes",
    LOGNAME: "hermes",
    SHELL: "/bin/sh",
    LANG: "C.UTF-8",
    LC_ALL: "C.UTF-8",
    TERM: "dumb",
    TMPDIR: temporary,
  };
}

/** What of /etc programs need in order to run; neither accounts nor keys are among it. */
export const ETC_FILES = [
  "alternatives",
  "ca-certificates",
  "ca-certificates.conf",
  "gai.conf",
  "host.conf",
  "ld.so.cache",
  "ld.so.conf",
  "ld.so.conf.d",
  "localtime",
  "magic",
  "mime.types",
  "pki/ca-trust/extracted",
  "pki/tls/certs",
  "protocols",
  "python3",
  "services",
  "ssl/certs",
  "ssl/openssl.cnf",
  "timezone",
].map((name) => `/etc/${name}`);

/** Directories with the programs of the system. */
export const SYSTEM_DIRECTORIES = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];
