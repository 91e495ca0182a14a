import type { PlatformId } from "../platforms/contract.ts";
import { serveAdapter } from "./worker/adapter-host.ts";

/** So many times more often than usually a function must run before it is compiled. */
const WORKER_JIT_POLICY = 16;

// What an account has to do is little and waits for the network: compiled code costs it more memory than it saves time.
Bun.unsafe.setJITPolicy(WORKER_JIT_POLICY);

/** The thread of one account: only here are the SDKs of platforms loaded. */
serveAdapter(async (id: PlatformId) => (await import("../platforms/registry.ts")).loadPlatform(id));
