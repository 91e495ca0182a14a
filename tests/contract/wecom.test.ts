import { startWecom, startWecomApp } from "./servers/wecom.ts";
import { platformSuite } from "./suite.ts";

platformSuite("WeCom, an AI bot", startWecom);
platformSuite("WeCom, an application", startWecomApp, { hasConnection: false, hasGroups: false });
