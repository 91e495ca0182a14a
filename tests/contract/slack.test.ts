import { startSlack } from "./servers/slack.ts";
import { platformSuite } from "./suite.ts";

platformSuite("Slack", startSlack);
