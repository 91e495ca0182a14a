import { expect, setDefaultTimeout, test } from "bun:test";
import {
  ActionRowBuilder,
  ButtonBuilder,
  ButtonStyle,
  ChannelType,
  Client,
  DiscordAPIError,
  Events,
  GatewayIntentBits,
  MessageFlags,
  Partials,
  RateLimitError,
  SlashCommandBuilder,
} from "discord.js";
import { type FakeDiscord, type FakeDiscordOptions, startFakeDiscord } from "../../fakes/discord/index.ts";
import { until } from "../../fakes/discord/until.ts";
import { TEST_TIMEOUT_MS } from "./setup.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

/** discord.js, logged in at the fake until the end of the block. */
async function login(options: FakeDiscordOptions = {}) {
  const fake = startFakeDiscord(options);
  const client = new Client({
    intents: [
      GatewayIntentBits.Guilds,
      GatewayIntentBits.GuildMessages,
      GatewayIntentBits.DirectMessages,
      GatewayIntentBits.MessageContent,
    ],
    partials: [Partials.Channel],
    allowedMentions: { parse: [] },
    rest: { api: fake.apiBase, retries: 0 },
  });
  const ready = new Promise((resolve) => client.once(Events.ClientReady, resolve));
  await client.login(fake.token);
  await ready;
  return {
    fake,
    client,
    async [Symbol.asyncDispose]() {
      await client.destroy();
      await fake[Symbol.asyncDispose]();
    },
  };
}

/** The messages of the bot in a channel. */
const ofBot = (fake: FakeDiscord, channel?: string) =>
  fake.messages(channel).filter(({ author }) => author.id === fake.world.bot.id);

test("discord.js logs in, hears, types, reacts, replies and edits at the fake", async () => {
  await using judge = await login();
  const { fake, client } = judge;
  client.on(Events.MessageCreate, async (message) => {
    if (message.author.bot) return;
    if (message.channel.type === ChannelType.GuildText) await message.channel.sendTyping();
    await message.react("👀");
    const button = new ButtonBuilder().setCustomId("yes").setLabel("Yes").setStyle(ButtonStyle.Success);
    const reply = await message.reply({
      content: `you said ${message.content}`,
      components: [new ActionRowBuilder<ButtonBuilder>().addComponents(button)],
      files: [{ attachment: Buffer.from("bytes"), name: "a.txt" }],
    });
    await reply.edit({ content: "edited" });
    await message.reactions.cache.get("👀")?.users.remove();
    await message.react("✅");
  });
  expect(client.user?.username).toBe("hermes");
  expect(client.channels.cache.has(fake.channel)).toBe(true);
  const asked = fake.write({ content: "hello" });
  await until("all is done", () => fake.world.reactions(asked.id).has("✅"));
  expect(ofBot(fake)).toMatchObject([
    {
      content: "edited",
      message_reference: { message_id: asked.id },
      components: [{ components: [{ custom_id: "yes", style: 3 }] }],
      attachments: [{ filename: "a.txt", size: 5 }],
    },
  ]);
  expect([...fake.world.reactions(asked.id)]).toEqual(["✅"]);
  const direct = fake.write({ channel: fake.direct, content: "in private" });
  await until("it answers", () => fake.world.reactions(direct.id).has("✅"));
  expect(ofBot(fake, fake.direct)).toMatchObject([{ content: "edited" }]);
});

test("discord.js survives a resume at the fake, and hears what it missed", async () => {
  await using judge = await login({ heartbeatMs: 200 });
  const { fake, client } = judge;
  const heard: string[] = [];
  client.on(Events.MessageCreate, ({ content }) => void heard.push(content));
  fake.write({ content: "before" });
  await until("it hears", () => heard.length === 1);
  fake.gateway.drop();
  await until("it is gone", () => fake.gateway.sockets === 0);
  fake.write({ content: "between" });
  await until("it resumes", () => fake.gateway.resumed === 1);
  fake.write({ content: "after" });
  await until("it hears the rest", () => heard.length === 3);
  expect(heard).toEqual(["before", "between", "after"]);
  fake.gateway.send(7);
  await until("it resumes when it is told to", () => fake.gateway.resumed === 2);
  fake.gateway.acknowledges = false;
  await until("it notices that nobody answers", () => fake.gateway.resumed === 3);
  expect(fake.gateway.identified).toBe(1);
});

test("discord.js uses threads, commands and buttons at the fake", async () => {
  await using judge = await login();
  const { fake, client } = judge;
  const command = new SlashCommandBuilder()
    .setName("new")
    .setDescription("begin anew")
    .setDescriptionLocalizations({ "zh-CN": "重新开始" })
    .addStringOption((option) => option.setName("text").setDescription("what"));
  await client.application?.commands.set([command]);
  const known = await client.application?.commands.fetch({ withLocalizations: true });
  expect(known?.map((one) => [one.name, one.descriptionLocalizations?.["zh-CN"]])).toEqual([
    ["new", "重新开始"],
  ]);

  client.on(Events.InteractionCreate, async (interaction) => {
    if (interaction.isChatInputCommand()) {
      await interaction.deferReply({ flags: MessageFlags.Ephemeral });
      await interaction.editReply(`new: ${interaction.options.getString("text")}`);
    } else if (interaction.isButton()) await interaction.deferUpdate();
  });
  const record = fake.interact({
    channel: fake.channel,
    user: fake.person,
    command: "new",
    options: { text: "start" },
  });
  await until("it is answered", () => record.original?.["content"] === "new: start");
  expect(record.response?.type).toBe(5);

  const asked = fake.write({ content: "a thread, please" });
  const channel = await client.channels.fetch(fake.channel);
  if (channel?.type !== ChannelType.GuildText) throw new Error("no text channel");
  const message = await channel.messages.fetch(asked.id);
  const thread = await message.startThread({ name: "Thread" });
  await thread.send("in it");
  expect(fake.messages(thread.id)).toMatchObject([{ content: "in it" }]);
  const press = fake.interact({
    channel: fake.channel,
    user: fake.person,
    button: "yes",
    message: asked.id,
  });
  await until("it is answered", () => press.response !== null);
  expect(press.response).toMatchObject({ type: 6 });
  for (let n = 0; n < 5; n++) fake.write({ content: `${n}` });
  const later = await channel.messages.fetch({ after: asked.id, limit: 3 });
  expect(later.map(({ content }) => content)).toEqual(["2", "1", "0"]);
});

test("discord.js sees the fake's errors as Discord's", async () => {
  await using judge = await login();
  const { fake, client } = judge;
  const channel = await client.channels.fetch(fake.channel);
  if (channel?.type !== ChannelType.GuildText) throw new Error("no text channel");
  const failure = (call: Promise<unknown>) =>
    call.then(
      () => null,
      (error: unknown) => error,
    );
  const refused = async (call: Promise<unknown>, code: number) => {
    const error = await failure(call);
    expect(error).toBeInstanceOf(DiscordAPIError);
    expect((error as DiscordAPIError).code).toBe(code);
  };
  await refused(channel.send("x".repeat(2001)), 50035);
  await refused(channel.send(" "), 50006);
  await refused(channel.send({ content: "x", nonce: "x".repeat(26), enforceNonce: true }), 50035);
  await refused(channel.messages.delete("1000000000000000001"), 10008);
  await refused(channel.messages.edit(fake.write({ content: "not its own" }).id, "x"), 50005);
  await refused(client.channels.fetch("1000000000000000001", { force: true }), 10003);
  await refused(
    channel.send({ content: "x", reply: { messageReference: "1000000000000000001", failIfNotExists: true } }),
    50035,
  );
  const once = { content: "once", nonce: "n1", enforceNonce: true };
  expect((await channel.send(once)).id).toBe((await channel.send(once)).id);
  expect(ofBot(fake)).toHaveLength(1);

  fake.fail("POST /channels/:channel/messages", { rateLimitMs: 250 });
  const started = performance.now();
  await channel.send("patient");
  expect(performance.now() - started).toBeGreaterThanOrEqual(250);
  client.rest.options.rejectOnRateLimit = ["/channels"];
  fake.fail("POST /channels/:channel/messages", { rateLimitMs: 60_000, isGlobal: true });
  const error = await failure(channel.send("hasty"));
  expect(error).toBeInstanceOf(RateLimitError);
  expect(error).toMatchObject({ global: true });
});

test("discord.js is refused for a wrong token and for an intent that is not allowed", async () => {
  await using fake = startFakeDiscord({ messageContent: false });
  const logIn = async (token: string) => {
    await using client = new Client({
      intents: [GatewayIntentBits.Guilds, GatewayIntentBits.MessageContent],
      rest: { api: fake.apiBase },
    });
    return await client.login(token).then(
      () => "in",
      (error: Error) => error.message,
    );
  };
  expect(await logIn("bm90LWEtYm90.wrong-token")).toMatch(/invalid token/i);
  expect(await logIn(fake.token)).toMatch(/disallowed intents/i);
});
