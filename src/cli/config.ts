import { Command } from "commander";
import type { ReadOptions } from "./config-actions.ts";
import { withConfigOption, withJsonOption } from "./options.ts";

/** Loaded when one of them runs: with the schema comes most of what the configuration is made of. */
const actions = () => import("./config-actions.ts");

/** `hermes config check | show | explain | schema | example`. */
export function configCommand(): Command {
  return new Command("config")
    .description("look at the configuration")
    .addCommand(
      reading("check", "say whether the configuration is valid, with every problem").action(
        async (options: ReadOptions) => (await actions()).check(options),
      ),
    )
    .addCommand(
      reading("show", "print the configuration in force, without its secrets")
        .option("--sources", "say where each value came from")
        .action(async (options: ReadOptions) => (await actions()).show(options)),
    )
    .addCommand(
      reading("explain", "say what a key means and what it is set to")
        .argument("<key>", "such as api.port or providers.openrouter.api_key")
        .action(async (key: string, options: ReadOptions) => (await actions()).explain(key, options)),
    )
    .addCommand(
      withJsonOption(new Command("schema"))
        .description("print the JSON Schema of config.yaml, for editors")
        .action(async () => (await actions()).printSchema()),
    )
    .addCommand(
      new Command("example")
        .description("print a config.yaml to begin with")
        .action(async () => (await actions()).printExample()),
    );
}

/** A sub-command that reads the configuration. */
function reading(name: string, description: string): Command {
  return withJsonOption(withConfigOption(new Command(name))).description(description);
}
