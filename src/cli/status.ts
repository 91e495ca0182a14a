import { Command } from "commander";
import { type CommonOptions, withCommonOptions, withJsonOption } from "./options.ts";
import { print, printJson, printTable } from "./output.ts";
