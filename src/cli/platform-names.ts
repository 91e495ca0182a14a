import { InvalidArgumentError } from "commander";
import { nearest } from "../lib/nearest.ts";
import type { PlatformId } from "../platforms/contract.ts";
import { PLATFORM_IDS } from "../platforms/registry.ts";

/** A platform that this version connects, in any case. */
export function parsePlatform(text: string): PlatformId {
  const name = text.toLowerCase();
  const known = PLATFORM_IDS.find((id) => id === name);
  if (known !== undefined) return known;
  const meant = nearest(name, PLATFORM_IDS);
  throw new InvalidArgumentError(
    `It must be one of ${PLATFORM_IDS.join(", ")}.${meant ? ` Did you mean ${meant}?` : ""}`,
  );
}
