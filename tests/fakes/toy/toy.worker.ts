import { serveAdapter } from "../../../src/gateway/worker/adapter-host.ts";
import { loadToy } from "./platform.ts";

/** The thread of an account of the toy platform. */
serveAdapter(loadToy);
