import { type Config, ConfigSchema } from "./schema.ts";
import { walkConfig } from "./walk.ts";

/** What stands in the place of a secret. */
export const REDACTED = "[redacted]";
const SHORTEST = 4; // what is shorter would be found in every other word
/** No word, name or flag that a text speaks of is as long as this by chance; what is shorter can be guessed anyway. */
const UNMISTAKABLE = 16;

export interface Redactor {
  /** The text with every secret replaced, however it is encoded there. */
  redact(text: string): string;
  /**
   * The text without the secrets that nothing else can be. For what other programs go on with: among the secrets are the values of
   * headers and environments, and a `true` or `production` there must not go from every sentence.
   */
  redactUnmistakable(text: string): string;
  /** Takes the secrets of a changed configuration in. Those before stay secret: they may still be in flight. */
  follow(config: Config): void;
}

/** Makes the functions that take the secrets of a configuration out of any text, by their values. */
export function createRedactor(config: Config, moreSecrets: readonly string[] = []): Redactor {
  const all = createRemover();
  const unmistakable = createRemover();
  const add = (secrets: Iterable<string>) => {
    const list = [...secrets];
    all.add(list);
    unmistakable.add(list.filter((secret) => secret.length >= UNMISTAKABLE));
  };
  add(moreSecrets);
  add(secretsOf(config));
  return {
    redact: all.remove,
    redactUnmistakable: unmistakable.remove,
    follow: (changed) => add(secretsOf(changed)),
  };
}

/** Puts a mark in the place of each secret that it was ever given. */
function createRemover() {
  const forms = new Set<string>();
  let pattern: RegExp | null = null;
  return {
    add(secrets: Iterable<string>): void {
      for (const secret of secrets) for (const form of formsOf(secret)) forms.add(form);
      // The longest first, or a secret that begins like another would leave the rest of that one behind.
      const ordered = [...forms].sort((a, b) => b.length - a.length);
      if (ordered.length > 0) pattern = new RegExp(ordered.map((form) => RegExp.escape(form)).join("|"), "g");
    },
    remove: (text: string): string => (pattern ? text.replace(pattern, REDACTED) : text),
  };
}

/** The value of every secret that is set: what the schema marks, and passwords inside addresses. */
export function secretsOf(config: Config): Set<string> {
  const secrets = new Set<string>();
  for (const { node, value } of walkConfig(ConfigSchema, config)) {
    if (typeof value !== "string") continue;
    if (node.secret) secrets.add(value);
    const password = value.includes("@") ? URL.parse(value)?.password : "";
    if (password) secrets.add(password).add(decodeUserInfo(password));
  }
  return secrets;
}

/** The password as it was typed. */
function decodeUserInfo(password: string): string {
  try {
    return decodeURIComponent(password);
  } catch {
    return password; // a percent sign that encodes nothing stands for itself
  }
}

/** The secret itself, URL-encoded, JSON-escaped and in base64. */
function formsOf(secret: string): string[] {
  if (secret.length < SHORTEST) return [];
  const inUrl = encodeURIComponent(secret.toWellFormed());
  const encoded = [inUrl, inUrl.replaceAll("%20", "+")];
  const escaped = JSON.stringify(secret).slice(1, -1);
  return [secret, ...encoded, escaped, JSON.stringify(escaped).slice(1, -1), ...base64Forms(secret)].filter(
    (form) => form.length >= SHORTEST,
  );
}

/**
 * Base64 writes three bytes as four characters, so that a secret inside a longer text (`user:secret`) looks different
 * at each of the three places where it may begin. Characters that also depend on its neighbours are left off.
 */
function base64Forms(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const whole = bytes.toString("base64");
  const inner = [0, 1, 2].map((offset) => {
    const shifted = Buffer.concat([Buffer.alloc(offset), bytes]);
    const end = Math.floor((shifted.length * 8) / 6);
    return shifted.toString("base64").slice(Math.ceil((offset * 8) / 6), end);
  });
  // Shorter ones would be found by chance.
  const distinct = [whole, ...inner].filter((form) => form.length >= 6);
  return distinct.flatMap((form) => [form, form.replaceAll("+", "-").replaceAll("/", "_")]);
}
