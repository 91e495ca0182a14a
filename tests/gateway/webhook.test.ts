import { expect, setDefaultTimeout, test } from "bun:test";
import { createGateway } from "../../src/gateway/gateway.ts";
import type { WebhookRequest } from "../../src/platforms/contract.ts";
import { scriptedModels } from "../fakes/scripted-model.ts";
import { type FakeWecomApp, startFakeWecomApp } from "../fakes/wecom/app.ts";
import { liveConfig, openTestAgent } from "../support/agent.ts";
import { openTempStore, quietLog } from "../support/store.ts";

setDefaultTimeout(60_000);

/** A gateway with an application of WeCom, as far as it got at once. */
async function start(fake: FakeWecomApp, token = fake.token) {
  const settings = {
    corp_id: fake.corpId,
    agent_id: fake.agentId,
    secret: fake.secret,
    token,
    encoding_aes_key: fake.encodingAesKey,
    api_base: fake.url,
  };
  const { store, path, [Symbol.asyncDispose]: removeStore } = await openTempStore();
  const config = liveConfig({ platforms: { wecom: { ...settings, allowed_users: ["*"] } } });
  const models = scriptedModels([]);
  const agent = await openTestAgent({ store, config, models });
  const { tools } = agent;
  const home = path.replace(/\/[^/]*$/, "");
  const gateway = createGateway({
    config,
    store,
    agent: agent.agent,
    tools,
    models,
    home,
    log: quietLog(),
    holder: "test",
  });
  await gateway.start();
  return {
    gateway,
    async [Symbol.asyncDispose]() {
      await gateway.stop(agent.agent.stop(1_000));
      await agent[Symbol.asyncDispose]();
      await removeStore();
    },
  };
}

/** The GET with which WeCom looks whether somebody is there. */
function probe(fake: FakeWecomApp): WebhookRequest {
  const echostr = fake.encrypt("anybody there?");
  const query = { ...fake.signed(echostr), echostr };
  return { method: "GET", headers: {}, query, body: new Uint8Array(), receivedAtMs: Date.now() };
}

test("a call that comes while the account starts waits for it: some platforms call again too soon, or never", async () => {
  await using fake = startFakeWecomApp();
  await using rig = await start(fake);
  const answer = await rig.gateway.webhook("wecom", "")?.answer(probe(fake));
  expect(answer).toMatchObject({ status: 200, body: "anybody there?" });
});

test("a call for an account that cannot be connected is told so at once", async () => {
  await using fake = startFakeWecomApp();
  await using rig = await start(fake, "");
  while (rig.gateway.health()[0]?.state === "starting") await Bun.sleep(5);
  const answer = rig.gateway.webhook("wecom", "")?.answer(probe(fake));
  await expect(Promise.resolve(answer)).rejects.toMatchObject({ code: "not_ready" });
});
