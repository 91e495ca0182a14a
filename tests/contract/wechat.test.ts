import { startWechat } from "./servers/wechat.ts";
import { platformSuite } from "./suite.ts";

platformSuite("WeChat", startWechat, { hasConnection: false, hasGroups: false, answersInCalls: true });
