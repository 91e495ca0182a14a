/** The first argument with which Hermes starts itself as the guard of a command; see launcher.ts. Not for users. */
export const SANDBOX_DOOR = "@sandbox";
