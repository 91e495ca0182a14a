import { startTelegram } from "./servers/telegram.ts";
import { platformSuite } from "./suite.ts";

platformSuite("Telegram", startTelegram);
