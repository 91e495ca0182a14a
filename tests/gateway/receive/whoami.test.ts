import { describe, expect, test } from "bun:test";
import type { Account } from "../../../src/config/accounts.ts";
import { whoami } from "../../../src/gateway/receive/access-commands.ts";
import type { CommandCall, CommandParts } from "../../../src/gateway/receive/command-call.ts";
import { placeOf } from "../../../src/gateway/receive/place.ts";
import { wordsIn } from "../../../src/gateway/words.ts";
import type { InboundMessage } from "../../../src/platforms/contract.ts";
import { makeHomeDir } from "../../config/home-dir.ts";
import { says, scriptedModels } from "../../fakes/scripted-model.ts";
import { message, openToyGateway, toyChat } from "../../support/chat.ts";

const group = (chat: string, spaces: string[] = []): Partial<InboundMessage> => ({
  address: { chat },
  scope: "group",
  spaces,
});

/** What /whoami says, and the configuration in it as it is read. */
async function told(change: Partial<InboundMessage>, { platform = "telegram", name = "" } = {}) {
  const account = { ...toyChat().connection.account, platform, name } as Account;
  const asked = message("/whoami", change);
  const call = { message: asked, place: placeOf(account, asked), bot: "toybot" };
  const text = await whoami(call as CommandCall, {} as CommandParts, wordsIn("en"));
  const home = makeHomeDir();
  try {
    home.write("config.yaml", /```\n([\s\S]+)\n```/.exec(text)?.[1] ?? "");
    return { text, platforms: home.load().config.platforms };
  } finally {
    home.remove();
  }
}

describe("/whoami tells the ids, and what to write into the configuration:", () => {
  test("in a direct chat the person", async () => {
    const { text, platforms } = await told({});
    expect(text).toContain("**Your id** `1`");
    expect(platforms.telegram).toMatchObject({ allowed_users: [1], allowed_groups: [] });
  });

  test("in a group the person and the group", async () => {
    const { platforms } = await told(group("-1001234567890"));
    expect(platforms.telegram).toMatchObject({ allowed_users: [1], allowed_groups: ["-1001234567890"] });
  });

  test("on Discord the server, and the channel for who wants no more", async () => {
    const sender = { id: "123456789012345678", name: "Ann" };
    const { text, platforms } = await told(
      { ...group("345", ["234567890123456789", "300"]), sender },
      { platform: "discord" },
    );
    expect(platforms.discord).toMatchObject({
      allowed_users: ["123456789012345678"],
      allowed_guilds: ["234567890123456789"],
      allowed_channels: [],
    });
    expect(text).toContain('# allowed_channels: [ "300" ]');
  });

  test("for one of several accounts, there", async () => {
    const change = { ...group("C1"), sender: { id: "U1", name: "Ann" } };
    const { platforms } = await told(change, { platform: "slack", name: "work" });
    expect(platforms.slack?.accounts).toMatchObject([
      { name: "work", allowed_users: ["U1"], allowed_groups: ["C1"] },
    ]);
  });
});

test("in a group that is not allowed, /whoami is all that is answered", async () => {
  const models = scriptedModels([says("x")]);
  await using gateway = await openToyGateway({ models, chat: toyChat({}, { maxChars: 4_000 }) });
  for (const text of ["hi", "/status", "/help", "/new", "/pair ABCDEFGH"])
    await gateway.write(text, group("-9"));
  await gateway.write("/whoami", { ...group("-9"), sender: { id: "2", name: "Bob" } });
  await gateway.write("/whoami", { ...group("-9"), isForBot: false });
  expect((await gateway.store.deliveries.list({ limit: 10 })).items).toEqual([]);
  await gateway.write("/whoami", group("-9"));
  await gateway.chat.until(() => gateway.chat.messages("-9").length === 1);
  expect(gateway.chat.messages()).toMatchObject([{ chat: "-9" }]);
  expect(gateway.chat.messages()[0]?.text).toContain("-9");
  expect(models.requests).toEqual([]);
});
