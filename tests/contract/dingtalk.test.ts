import { startDingTalk } from "./servers/dingtalk.ts";
import { platformSuite } from "./suite.ts";

platformSuite("DingTalk", startDingTalk);
