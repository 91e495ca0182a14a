import { Command } from "commander";
import { printJson } from "./output.ts";
import { VERSION } from "./version.ts";

/** `hermes openapi`: the OpenAPI document that `/swagger/json` serves. */
export function openapiCommand(): Command {
  return new Command("openapi").description("print the OpenAPI document of the REST API").action(async () => {
    const { openApiDocument } = await import("../http/docs.ts");
    printJson(await openApiDocument({ version: VERSION }));
  });
}
