import { type TProperties, Type } from "typebox";
import { count, entry, flag, oneOf, secret, section, text, words } from "./schema-parts.ts";

/** With what, and in which words, it answers in a place. */
const voice = (where: string) => ({
  tools: Type.Optional(
    Type.Array(Type.String(), {
      description: `Tool groups that people ${where} may use; without it: all that are on.`,
    }),
  ),
  model: text({ description: `Model ${where}, as provider/model.` }),
  prompt: text({ description: `What the model is told ${where}, besides agent.system_prompt.` }),
  language: Type.Optional(
    oneOf(["auto", "en", "zh"], {
      description: `Language of Hermes's own words ${where}; auto: the sender's.`,
    }),
  ),
});

/** What every platform account has. */
const shared = {
  enabled: flag(true, "Connect this platform."),
  api_base: text({
    description: "Another server that speaks this platform's API: a proxy or a self-hosted one.",
  }),
  allowed_groups: words('Ids of the groups in which it answers; empty: none; "*": all.'),
  require_mention: flag(true, "In groups, answer only when mentioned."),
  pairing: flag(
    true,
    "Give strangers who write to the bot a code, with which `hermes pairing approve` lets them in.",
  ),
  ...voice("here"),
  streaming: oneOf(["edit", "draft", "off"], {
    description:
      "Show the answer while it grows: by editing the message, as a draft where the platform has drafts, or not.",
    default: "edit",
  }),
  reactions: flag(false, "Mark messages as seen, done or failed with a reaction."),
  chats: Type.Record(
    Type.String({ minLength: 1, maxLength: 128 }),
    entry("One chat.", {
      require_mention: Type.Optional(
        Type.Boolean({ description: "In this group, answer only when mentioned." }),
      ),
      private_memory: Type.Optional(
        Type.Boolean({
          description:
            "In this group, the agent reaches what a person told it elsewhere: memory, to-dos, conversations. All members read what it says of that.",
        }),
      ),
      ...voice("in this chat"),
    }),
    { description: "What is different in single chats, by their id.", default: {} },
  ),
};

const ALLOWED_USERS = 'Ids of the people it answers; empty: nobody; "*": everybody.';
const allowedUsers = () =>
  Type.Array(Type.Union([Type.Integer(), Type.String()]), {
    description: ALLOWED_USERS,
    default: [],
    sample: [],
  });

const MODES = ["websocket", "webhook"] as const;
const MODE = "How messages arrive: over a connection that Hermes opens, or by calls to /webhook.";
const mode = () => oneOf(MODES, { description: MODE, default: "websocket" });
const modeByKeys = (rule: string) => Type.Optional(oneOf(MODES, { description: `${MODE} Default: ${rule}` }));

/** A platform: its own keys, the shared ones, and the same again per account. */
const platform = <P extends TProperties>(name: string, own: P) => {
  const account = { ...own, ...shared };
  const accounts = Type.Array(
    entry("One bot.", {
      name: Type.String({
        description: "Name of this account.",
        pattern: "^[A-Za-z0-9_-]{1,32}$",
        form: "1 to 32 letters, digits, - and _",
      }),
      ...account,
    }),
    { description: "Several bots of this platform, each with its own keys." },
  );
  return Type.Optional(
    Type.Object(
      { ...account, accounts: Type.Optional(accounts) },
      { additionalProperties: false, description: `${name}.` },
    ),
  );
};

/** Section `platforms`. */
export const platforms = section("Chat platforms. Each one that is present is connected.", {
  telegram: platform("Telegram", {
    bot_token: secret({
      description: "Token from @BotFather.",
      env: "TELEGRAM_BOT_TOKEN",
      sample: "123456789:ABC...",
    }),
    allowed_users: Type.Array(Type.Union([Type.Integer(), Type.Literal("*")]), {
      description: 'Numeric ids of the people it answers; empty: nobody; "*": everybody.',
      default: [],
      sample: [123456789],
    }),
    polling_timeout: count(30, 1, 50, "Seconds that one long poll waits."),
    max_retries: count(3, 0, 100, "Tries of a call that failed."),
    mode: oneOf(["polling", "webhook"], {
      description: "How updates arrive: fetched by Hermes, or by calls to /webhook/telegram.",
      default: "polling",
    }),
    secret_token: secret({ description: "Secret token of the webhook; needed for mode: webhook." }),
  }),
  discord: platform("Discord", {
    bot_token: secret({ description: "Bot token.", env: "DISCORD_BOT_TOKEN", sample: "..." }),
    application_public_key: text({ description: "Public key of the application; needed for mode: webhook." }),
    allowed_users: allowedUsers(),
    allowed_guilds: words("Ids of the servers in which it answers.", { sample: [] }),
    allowed_channels: words("Ids of the channels in which it answers; empty: all of the allowed servers.", {
      sample: [],
    }),
    mode: mode(),
  }),
  slack: platform("Slack", {
    bot_token: secret({ description: "Bot token.", env: "SLACK_BOT_TOKEN", sample: "xoxb-..." }),
    signing_secret: secret({
      description: "Signing secret; needed for mode: webhook.",
      env: "SLACK_SIGNING_SECRET",
      sample: "...",
    }),
    app_token: secret({
      description: "App-level token for Socket Mode; needed for mode: websocket.",
      env: "SLACK_APP_TOKEN",
      sample: "xapp-...",
    }),
    allowed_users: allowedUsers(),
    mode: modeByKeys("websocket with an app_token, otherwise webhook."),
  }),
  wecom: platform("WeCom (企业微信)", {
    corp_id: text({ description: "Corporation id.", env: "WECOM_CORP_ID", sample: "..." }),
    agent_id: text({ description: "Application id.", env: "WECOM_AGENT_ID", sample: "1000001" }),
    secret: secret({ description: "Application secret.", env: "WECOM_SECRET", sample: "..." }),
    token: secret({ description: "Token of the callback; needed to receive in mode: webhook." }),
    encoding_aes_key: secret({ description: "AES key of the callback; needed to receive in mode: webhook." }),
    bot_id: text({ description: "Id of the AI bot; needed for mode: websocket." }),
    bot_secret: secret({ description: "Secret of the AI bot; needed for mode: websocket." }),
    bot_name: text({
      description:
        "Name of the AI bot as groups show it; needed where it has spaces, to know where a mention ends.",
    }),
    allowed_users: allowedUsers(),
    mode: modeByKeys("websocket with a bot_id, otherwise webhook."),
  }),
  dingtalk: platform("DingTalk (钉钉)", {
    app_key: text({ description: "App key.", env: "DINGTALK_APP_KEY", sample: "..." }),
    app_secret: secret({ description: "App secret.", env: "DINGTALK_APP_SECRET", sample: "..." }),
    robot_code: text({ description: "Code of the robot, where it is not the app key." }),
    card_template_id: text({
      description:
        "Template of AI cards, in which answers are shown while they grow; without it they come whole.",
    }),
    card_content_key: Type.String({
      description: "Variable of the card template that shows the answer.",
      default: "content",
      minLength: 1,
    }),
    allowed_users: allowedUsers(),
    mode: mode(),
  }),
  feishu: platform("Feishu / Lark (飞书)", {
    app_id: text({ description: "App id.", env: "FEISHU_APP_ID", sample: "cli_..." }),
    app_secret: secret({ description: "App secret.", env: "FEISHU_APP_SECRET", sample: "..." }),
    encrypt_key: secret({
      description: "Encrypt key of event callbacks; mode: webhook needs it or the verification token.",
    }),
    verification_token: secret({
      description: "Verification token of event callbacks; with an encrypt key, checked besides.",
    }),
    domain: oneOf(["feishu", "lark"], {
      description: "feishu (China) or lark (international).",
      default: "feishu",
    }),
    allowed_users: allowedUsers(),
    mode: mode(),
  }),
  wechat: platform("WeChat Official Account (微信公众号)", {
    app_id: text({ description: "App id.", env: "WECHAT_APP_ID", sample: "wx..." }),
    app_secret: secret({ description: "App secret.", env: "WECHAT_APP_SECRET", sample: "..." }),
    token: secret({ description: "Token of the callback.", sample: "..." }),
    encoding_aes_key: secret({
      description: "AES key of the callback, in compatible and secure mode; without it: plain mode.",
      sample: "...",
    }),
    allowed_users: allowedUsers(),
  }),
});
