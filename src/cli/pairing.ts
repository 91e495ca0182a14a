import { Command } from "commander";
import { accountLabel } from "../config/accounts.ts";
import { AppError } from "../lib/errors.ts";
import { timestamp } from "../lib/timestamp.ts";
import type { PlatformId } from "../platforms/contract.ts";
import type { Store } from "../store/contract.ts";
import type { Pairing } from "../store/records.ts";
import { type CommonOptions, withConfigOption, withJsonOption } from "./options.ts";
import { formatTime, print, printable, printJson, printTable, say } from "./output.ts";
import { parsePlatform } from "./platform-names.ts";
import { withStore } from "./store.ts";

/** `hermes pairing list | approve | revoke`: who may write to the bots besides those in the configuration. */
export function pairingCommand(): Command {
  const list = withJsonOption(withConfigOption(new Command("list")))
    .description("list who was let in by a code, and who has one that is open")
    .action((options: CommonOptions & { json?: true }) =>
      withStore(options, "reading the pairings", (store) => listPairings(store, options)),
    );
  const approve = withConfigOption(new Command("approve"))
    .description("let in whoever has this code")
    .argument("<platform>", "the platform that the code is from", parsePlatform)
    .argument("<code>", "the code that the bot gave")
    .action((platform: PlatformId, code: string, options: CommonOptions) =>
      withStore(options, "looking for the code", async (store) => {
        const { pairingNotice } = await import("../gateway/pairing-notice.ts");
        const pairing = await store.pairings.approve(platform, code, "cli", pairingNotice);
        print(printable(`${personOf(pairing)} may write to ${labelOf(pairing)} now.`));
      }),
    );
  const revoke = withConfigOption(new Command("revoke"))
    .description("let somebody in no longer, or take an open code back")
    .argument("<platform>", "the platform", parsePlatform)
    .argument("<user>", "the id of the user, as `hermes pairing list` prints it")
    .action((platform: PlatformId, user: string, options: CommonOptions) =>
      withStore(options, "changing the pairings", async (store) => {
        if (!(await store.pairings.revoke(platform, user))) throw unknownUser(platform, user);
        print(printable(`${user} may not write to ${platform} by a code any more.`));
      }),
    );
  return new Command("pairing")
    .description("let people write to the bots by a code, or no longer")
    .addCommand(list)
    .addCommand(approve)
    .addCommand(revoke);
}

async function listPairings(store: Store, { json }: { json?: true }): Promise<void> {
  const pairings = await store.pairings.list();
  if (json) return printJson({ pairings: pairings.map(pairingJson) });
  if (pairings.length === 0)
    return say("Nobody was let in by a code, and no code is open. A stranger who writes to a bot gets one.");
  printTable(
    ["ACCOUNT", "USER", "NAME", "STATUS", "SINCE", "UNTIL", "BY"],
    pairings.map((pairing) => [
      labelOf(pairing),
      pairing.userId,
      pairing.name,
      pairing.status,
      formatTime(pairing.approvedAt ?? pairing.createdAt),
      pairing.expiresAt === null ? "" : formatTime(pairing.expiresAt),
      pairing.approvedBy ?? "",
    ]),
  );
}

function pairingJson(pairing: Pairing): object {
  const { userId, name, status, createdAt, expiresAt, approvedAt, approvedBy } = pairing;
  return {
    account: labelOf(pairing),
    user_id: userId,
    name,
    status,
    created_at: timestamp(createdAt),
    expires_at: timestamp(expiresAt),
    approved_at: timestamp(approvedAt),
    approved_by: approvedBy,
  };
}

function labelOf({ platform, account }: Pairing): string {
  return accountLabel({ platform: platform as PlatformId, name: account });
}

function personOf({ name, userId }: Pairing): string {
  return name === "" ? userId : `${name.replaceAll(/\s+/g, " ")} (${userId})`;
}

function unknownUser(platform: string, user: string): AppError {
  return new AppError(
    "not_found",
    `Nobody with the id ${JSON.stringify(user)} was let in on ${platform} by a code.`,
    {
      hint: "`hermes pairing list` prints the ids; those of allowed_users stand in the configuration.",
    },
  );
}
