import { openStore } from "../../src/store/open.ts";
import { quietLog } from "../support/store.ts";

/**
 * `account-holder.ts DATABASE CREDENTIAL HOLDER`: holds the credential, tells of the account `telegram`, prints what came of
 * the hold as JSON, and lives until it is killed or its stdin ends.
 */
const [path = "", credential = "", holder = ""] = process.argv.slice(2);
const store = await openStore({ path, log: quietLog() });
const held = await store.accounts.hold(credential, holder);
await store.accounts.saveHealth("telegram", "", { state: "connected" });
console.log(JSON.stringify({ instance: store.instance, heldBy: "heldBy" in held ? held.heldBy : null }));
await Bun.stdin.text();
