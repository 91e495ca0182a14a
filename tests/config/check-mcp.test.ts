import { expect, test } from "bun:test";
import { checkConfig } from "../../src/config/check.ts";
import { liveConfig } from "../support/agent.ts";

const auth = { type: "oauth2", issuer: "https://auth.example.com" };
const warningsOf = (mcp: object) =>
  checkConfig(liveConfig({ mcp }).current).warnings.map(({ message }) => message);

test("with OAuth, another name than the listener's own needs the public address", () => {
  const missing = [
    "mcp.public_url is missing: tokens for another address than the listener's own are refused",
  ];
  const public_url = "https://hermes-mcp.example.com";
  expect(warningsOf({ auth })).toEqual([]);
  for (const mcp of [{ host: "0.0.0.0" }, { allowed_hosts: ["hermes-mcp.example.com"] }]) {
    expect(warningsOf({ auth, ...mcp })).toEqual(missing);
    expect(warningsOf({ auth, ...mcp, public_url })).toEqual([]);
  }
  expect(warningsOf({ allowed_hosts: ["hermes-mcp.example.com"] })).toEqual([]);
});
