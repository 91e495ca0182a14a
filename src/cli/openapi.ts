import { Command } from "commander";
import { type CommonOptions, withConfigOption, withJsonOption } from "./options.ts";
import { printJson } from "./output.ts";
import { VERSION } from "./version.ts";

/** `hermes openapi`: the OpenAPI document that `/swagger/json` serves; it is JSON with and without `--json`. */
export function openapiCommand(): Command {
  return withJsonOption(withConfigOption(new Command("openapi")))
    .description("print the OpenAPI document of the REST API")
    .action(async ({ config: file }: CommonOptions) => {
      const { loadConfig } = await import("../config/load.ts");
      const { openApiDocument } = await import("../http/docs.ts");
      const { config } = loadConfig(file === undefined ? {} : { file });
      printJson(openApiDocument({ version: VERSION, basePath: config.api.base_path }));
    });
}
