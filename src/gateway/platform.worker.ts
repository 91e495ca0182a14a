import { compileFor } from "../lib/compiling.ts";
import type { PlatformId } from "../platforms/contract.ts";
import { serveAdapter } from "./worker/adapter-host.ts";

/** The thread of one account: only here are the SDKs of platforms loaded. */
compileFor("waiting");
serveAdapter(async (id: PlatformId) => (await import("../platforms/registry.ts")).loadPlatform(id));
