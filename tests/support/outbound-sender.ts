import { createSafeFetch } from "../../src/lib/safe-fetch.ts";
import { openStore } from "../../src/store/open.ts";
import { createOutbound } from "../../src/webhooks/outbound/outbound.ts";
import { liveConfig } from "./agent.ts";
import { quietLog } from "./store.ts";

/** `outbound-sender.ts DATABASE URL`: sends what is told to the endpoint `main`, until it is killed or its stdin ends. */
const [path = "", url = ""] = process.argv.slice(2);
const log = quietLog();
const config = liveConfig({
  network: { allow_cidrs: ["127.0.0.1/32"] },
  gateway: {
    webhook: {
      outbound: { enabled: true, endpoints: [{ name: "main", url, secret: "a secret of the tests" }] },
    },
  },
});
const store = await openStore({ path, log });
const outbound = createOutbound({
  store: store.webhooks,
  config,
  fetch: createSafeFetch({ allowCidrs: () => config.current.network.allow_cidrs }),
  log,
  holder: store.instance,
  redact: (text) => text,
  timings: { lookMs: 50, holdMs: 50 },
});
outbound.start();
await Bun.stdin.text();
await outbound.stop();
await store.close();
