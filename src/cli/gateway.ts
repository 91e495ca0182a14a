import { Command, InvalidArgumentError } from "commander";
import { AppError } from "../lib/errors.ts";
import type { PlatformId } from "../platforms/contract.ts";
import { PLATFORM_IDS } from "../platforms/registry.ts";
import { holderName } from "./holder.ts";
import { type CommonOptions, parsePort, withConfigOption } from "./options.ts";
import { say } from "./output.ts";
import { parsePlatform } from "./platform-names.ts";

interface GatewayOptions extends CommonOptions {
  platform?: string[];
  token?: string;
  webhook?: true;
  host?: string;
  port?: number;
}

/** The platforms that need no more than a token to be tried. */
const ONE_TOKEN: readonly PlatformId[] = ["telegram", "discord", "slack"];

/** `hermes gateway`: connects chat platforms in the foreground, until SIGINT or SIGTERM. */
export function gatewayCommand(): Command {
  return withConfigOption(new Command("gateway"))
    .description("connect the agent to chat platforms")
    .option(
      "--platform <name>",
      "only this platform, or one account of it, such as telegram.work; repeat it or separate by commas (default: all that are configured)",
      addNames,
    )
    .option("--token <token>", "bot token of the one --platform; other users of the machine can see it")
    .option("--webhook", "also serve the webhook endpoints")
    .option(
      "--port <port>",
      "with --webhook: port to listen on, 0 for any free one (default: 18789)",
      parsePort,
    )
    .option("--host <address>", "with --webhook: address to listen on (default: 127.0.0.1)")
    .action(async ({ platform: names = [], token, webhook, host, port, ...options }: GatewayOptions) => {
      if (!webhook && (host !== undefined || port !== undefined))
        throw new AppError("usage", "--port and --host go with --webhook.");
      const overrides = {
        ...(token === undefined ? {} : await tokenOverrides(names, token, options)),
        ...(port === undefined ? {} : { "gateway.webhook.port": port }),
        ...(host === undefined ? {} : { "gateway.webhook.host": host }),
      };
      const { runService } = await import("./service.ts");
      await runService({
        ...options,
        overrides,
        connect: { only: names, holder: holderName("hermes gateway") },
        ...(webhook && { serve: "webhook" }),
      });
    });
}

function addNames(text: string, before: string[] = []): string[] {
  return [...before, ...text.split(",").map(parseName)];
}

/** `telegram`, or `telegram.work` for one of its accounts. */
function parseName(text: string): string {
  const [platform = "", ...account] = text.trim().split(".");
  const name = [parsePlatform(platform), ...account].join(".");
  if (account.length > 1 || account[0] === "")
    throw new InvalidArgumentError("It must be a platform, or an account such as telegram.work.");
  return name;
}

/** Puts the token in the place of the configured one, and switches its platform on. */
async function tokenOverrides(
  names: readonly string[],
  token: string,
  { config }: CommonOptions,
): Promise<Readonly<Record<string, unknown>>> {
  const [{ load }, { keysHint }, { variableOf }] = await Promise.all([
    import("../app/configuration.ts"),
    import("../app/accounts.ts"),
    import("../config/environment.ts"),
  ]);
  const [platform] = names;
  if (names.length !== 1 || platform === undefined || !ONE_TOKEN.some((name) => name === platform)) {
    const other = PLATFORM_IDS.find((name) => name === platform);
    throw new AppError("usage", `--token goes with one --platform: ${ONE_TOKEN.join(", ")}.`, {
      ...(names.length === 1 && other !== undefined && { hint: keysHint(other) }),
    });
  }
  if (token === "") throw new AppError("usage", "--token is empty.");
  const path = ["platforms", platform, "bot_token"];
  const known = load(config === undefined ? {} : { config }).config.platforms[platform as PlatformId];
  if ((known?.accounts ?? []).length > 0)
    throw new AppError("usage", `${platform} has several accounts, each with a token of its own.`, {
      hint: `Write the token into the account in platforms.${platform}.accounts.`,
    });
  const better = variableOf(path) ?? path.join(".");
  say(`warning: Other users of this machine can see --token in the output of \`ps\`. Set ${better} instead.`);
  return { [path.join(".")]: token, [`platforms.${platform}.enabled`]: true };
}
