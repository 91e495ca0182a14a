import { startDingTalk } from "./servers/dingtalk.ts";
import { platformSuite } from "./suite.ts";

platformSuite("DingTalk", startDingTalk);
platformSuite("DingTalk, by calls", () => startDingTalk({ calls: true }), {
  hasConnection: false,
  looksRarely: true,
});
