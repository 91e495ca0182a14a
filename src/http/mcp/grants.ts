import { TOOL_GROUPS, type ToolGroup } from "../../config/tool-groups.ts";
import { AppError } from "../../lib/errors.ts";
import { ownerAt } from "../../tools/caller.ts";
import type { ToolRegistry } from "../../tools/registry.ts";
import type { Admission } from "../admission.ts";
import type { Authentication } from "../authentication.ts";
import { FIRST_GROUPS, scopeOf, scopeOfGroup } from "../oauth/scopes.ts";

/** Looks whether an access token has the scopes for the tools that are to be called; keys have none. */
export interface Grants {
  /**
   * Throws `forbidden` with the challenge that names every scope the next token needs: those held and those missing
   * (RFC 6750 §3.1), so that stepping up loses nothing.
   */
  check(request: Request, admission: Admission, tools: readonly string[]): void;
}

export function createGrants(tools: Pick<ToolRegistry, "list">, authentication: Authentication): Grants {
  const everything = ownerAt("mcp-http");
  return {
    check(request, { grants, headers }, names) {
      if (grants === null) return;
      const called =
        names.length === 0 ? [] : tools.list(everything).filter(({ name }) => names.includes(name));
      const needed = called.map(({ group }) => group);
      const missing = needed.filter((group) => !grants.includes(group));
      if (grants.length > 0 && missing.length === 0) return;
      const groups: readonly ToolGroup[] = missing.length > 0 ? [...grants, ...missing] : FIRST_GROUPS;
      headers["www-authenticate"] = authentication.challenge(request, {
        error: "insufficient_scope",
        scope: scopeOf(groups),
      });
      throw insufficient(missing.length > 0 ? missing : TOOL_GROUPS);
    },
  };
}

/** The names of the tools that a message, or a batch of them, calls. */
export function calledTools(body: unknown): string[] {
  return (Array.isArray(body) ? body : [body]).flatMap((message: unknown) => {
    const { method, params } = (message ?? {}) as { method?: unknown; params?: { name?: unknown } | null };
    return method === "tools/call" && typeof params?.name === "string" ? [params.name] : [];
  });
}

function insufficient(groups: readonly ToolGroup[]): AppError {
  const scopes = [...new Set(groups)].map(scopeOfGroup).join(", ");
  return new AppError("forbidden", `The access token lacks a scope for this: ${scopes}.`, {
    hint: "Ask the authorization server for a token with the scopes that the challenge names.",
  });
}
