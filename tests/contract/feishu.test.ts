import { startFeishu } from "./servers/feishu.ts";
import { platformSuite } from "./suite.ts";

platformSuite("Feishu", startFeishu);
