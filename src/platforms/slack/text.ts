const ENTITIES: Readonly<Record<string, string>> = { "&lt;": "<", "&gt;": ">", "&amp;": "&" };

/**
 * What somebody wrote, without Slack's escapes: links as Markdown, people and channels by name where Slack tells it, and
 * without the mention of the bot (docs.slack.dev/messaging/formatting-message-text).
 */
export function writtenText(text: string, botUserId: string): string {
  return (
    text
      // A run of spaces is looked at from its beginning alone: whoever writes thousands of them costs no more than that.
      .replace(/(?:(?<![ \t])[ \t]+)?<([^<>\n]+)>[ \t]*/g, (whole, inner: string) => {
        if (isMention(inner, botUserId)) return " ";
        return whole.replace(/<[^<>]+>/, () => readable(inner));
      })
      .replace(/&(?:lt|gt|amp);/g, (entity) => ENTITIES[entity] ?? entity)
      .trim()
  );
}

/** True when the text mentions the bot. */
export function mentions(text: string, botUserId: string): boolean {
  return [...text.matchAll(/<([^<>\n]+)>/g)].some(([, inner = ""]) => isMention(inner, botUserId));
}

/** `!stop` as `/stop`: Slack has no commands of an app in threads. */
export function asCommand(text: string): string {
  return text.replace(/^!(?=[a-z][a-z0-9_]*(?:\s|$))/i, "/");
}

function isMention(inner: string, userId: string): boolean {
  return userId !== "" && (inner === `@${userId}` || inner.startsWith(`@${userId}|`));
}

/** What stands for `<inner>`, still with the escapes of `&`, `<` and `>`. */
function readable(inner: string): string {
  const bar = inner.indexOf("|");
  const target = bar < 0 ? inner : inner.slice(0, bar);
  const label = bar < 0 ? "" : inner.slice(bar + 1);
  const name = label === "" ? target.slice(1) : label;
  if (target.startsWith("@")) return `@${name.replace(/^@/, "")}`;
  if (target.startsWith("#")) return `#${name.replace(/^#/, "")}`;
  if (target.startsWith("!")) return broadcast(target.slice(1), label);
  return link(target, label);
}

/** `<!here>`, `<!subteam^S1|@team>`, `<!date^...|fallback>`. */
function broadcast(target: string, label: string): string {
  const [kind = "", id = ""] = target.split("^");
  if (kind === "date") return label;
  if (label !== "") return label.startsWith("@") ? label : `@${label}`;
  return `@${kind === "subteam" ? id : kind}`;
}

function link(url: string, label: string): string {
  const address = url.replace(/^(?:mailto|tel):/, "");
  // Slack makes links of addresses that were written out; their label is the address itself.
  const isWritten = label === "" || label === address || url.replace(/^https?:\/\//, "") === label;
  if (isWritten) return address;
  return `[${label.replace(/[[\]]/g, "\\$&")}](${url})`;
}
