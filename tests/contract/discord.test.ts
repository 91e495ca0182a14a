import { startDiscord } from "./servers/discord.ts";
import { platformSuite } from "./suite.ts";

platformSuite("Discord", startDiscord);
