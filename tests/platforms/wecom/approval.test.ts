import { expect, setDefaultTimeout, test } from "bun:test";
import { createGateway } from "../../../src/gateway/gateway.ts";
import { calls, type Script, says, scriptedModels } from "../../fakes/scripted-model.ts";
import { startFakeWecomBot } from "../../fakes/wecom/bot.ts";
import { liveConfig, openTestAgent } from "../../support/agent.ts";
import { openTempStore, quietLog } from "../../support/store.ts";
import { probeTool } from "../../support/tools.ts";

setDefaultTimeout(60_000);

/** Calls the probe once, then says what it answered. */
const callsProbe: Script = (request, signal) => {
  const result = request.messages.findLast((message) => message.role === "tool");
  if (result?.role === "tool") return says(`It said: ${result.text}`)(request, signal);
  return calls({ id: "c", name: "terminal_probe", arguments: { word: "rm -rf" } })(request, signal);
};

test("what an AI bot asks for is decided by a button of its card, by whoever it was asked for", async () => {
  await using wecom = startFakeWecomBot();
  await using temp = await openTempStore();
  const { botId, secret, url } = wecom;
  const wecomKeys = { bot_id: botId, bot_secret: secret, api_base: url };
  const config = liveConfig({ platforms: { wecom: { ...wecomKeys, allowed_users: ["ZhangSan", "LiSi"] } } });
  const ran: string[] = [];
  const tools = [probeTool(ran, { name: "terminal_probe", group: "terminal", asks: true })];
  const models = scriptedModels([callsProbe]);
  await using agent = await openTestAgent({ models, store: temp.store, config, tools });
  const home = temp.path.replace(/\/[^/]*$/, "");
  const parts = { config, store: temp.store, agent: agent.agent, tools: agent.tools, models, home };
  const gateway = createGateway({ ...parts, log: quietLog(), holder: "a test" });
  await gateway.start();
  try {
    await wecom.until(() => wecom.connections === 1, "it is connected");
    const shown = () => wecom.messages("ZhangSan").map(({ text }) => text);
    wecom.write("运行它");
    await wecom.until(() => wecom.messages().some(({ type }) => type === "template_card"), "the buttons");
    expect(shown().some((text) => text.includes("rm -rf"))).toBe(true);
    expect(shown().at(-1)).toEndWith("[批准] [拒绝]");
    const [{ key = "" } = {}] = buttonsOf(wecom.frames("aibot_send_msg").at(-1)?.body);
    wecom.press(key, { user: "LiSi" });
    await wecom.until(() => wecom.messages("LiSi").length === 1, "a word to who may not decide");
    expect(ran).toEqual([]);
    wecom.press(key);
    await wecom.until(() => shown().some((text) => text.startsWith("It said:")), "the answer");
    await wecom.until(() => shown().some((text) => text.includes("已批准")), "the decision");
    expect(ran).toEqual(["rm -rf"]);
  } finally {
    await gateway.stop(agent.agent.stop(5_000));
  }
});

function buttonsOf(body: Record<string, unknown> = {}): { key?: string }[] {
  return (body["template_card"] as { button_list?: { key?: string }[] } | undefined)?.button_list ?? [];
}
