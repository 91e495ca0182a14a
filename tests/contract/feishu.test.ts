import { startFeishu } from "./servers/feishu.ts";
import { platformSuite } from "./suite.ts";

platformSuite("Feishu", startFeishu);
platformSuite("Feishu, by callbacks", () => startFeishu({ calls: true }), { hasConnection: false });
