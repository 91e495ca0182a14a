import { version } from "../../package.json";

/** Replaced by the build with the commit it was made from; not defined when run from source. */
declare const HERMES_COMMIT: string | undefined;

/** The version as `hermes --version` prints it: `0.1.0 (1a2b3c4)`, without the commit when it is not known. */
export const VERSION =
  typeof HERMES_COMMIT === "string" && HERMES_COMMIT ? `${version} (${HERMES_COMMIT})` : version;
