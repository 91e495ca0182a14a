import Mustache from "mustache";
import { AppError } from "./errors.ts";

/** How a value is shown where a template names it; `name` as the template has it. */
export type ShowValue = (value: unknown, name: string) => string;

/** A text with places for values. */
export interface Template {
  /** True when it shows no value, so that it is the same text for every view. */
  readonly isFixed: boolean;
  /** Throws `invalid_request` when that makes more than `MAX_RENDERED` of a view. */
  render(view: Readonly<Record<string, unknown>>, show: ShowValue): string;
}

export interface TemplateOptions {
  /** The fields of every view: a name that begins with none of them is a slip. */
  fields: readonly string[];
  /** Whether `{{{ }}}` may show a value as it is. */
  allowsRaw?: boolean;
}

/** Characters, and tokens that are walked through: a list within a list could make endlessly many of both. */
const MAX_RENDERED = 200_000;

/** A token as mustache.js parses it; only sections have more in the fifth place. */
type Token = [type: string, value: string, start: number, end: number, within?: Token[]];

const NOT_HERE: Readonly<Record<string, string>> = {
  ">": "{{> }}",
  "=": "{{= =}}",
  "&": "{{{ }}} and {{& }}",
};

/**
 * Compiles a mustache template (mustache.github.io): places, sections and nothing that could run. Partials and other
 * delimiters are refused. Throws an `Error` that says what is wrong with the text.
 */
export function compileTemplate(text: string, options: TemplateOptions): Template {
  const writer = new Mustache.Writer();
  const tokens = writer.parse(text) as Token[];
  checkTokens(tokens, options, true);
  let left = 0;
  const spend = (amount: number) => {
    left -= amount;
    if (left < 0) throw tooLarge();
  };
  let show: ShowValue = () => "";
  const shown = (value: unknown, name: string) => {
    const text = value === undefined || value === null ? "" : show(value, name);
    spend(text.length);
    return text;
  };
  const { renderTokens } = writer;
  writer.renderTokens = (all, ...rest) => {
    spend(all.length);
    return renderTokens.call(writer, all, ...rest);
  };
  writer.rawValue = ([, value = ""]) => {
    spend(value.length);
    return value;
  };
  writer.escapedValue = ([, name = ""], context) => shown(context.lookup(name), name);
  writer.unescapedValue = ([, name = ""], context) => {
    const value = valueText(context.lookup(name) ?? "");
    spend(value.length);
    return value;
  };
  return {
    isFixed: isFixed(tokens),
    render(view, showValue) {
      left = MAX_RENDERED;
      show = showValue;
      return writer.render(text, new OwnContext(view));
    },
  };
}

/**
 * Looks up what a view has of its own. mustache.js also takes what arrays inherit for a field, and calls it; and it fails at an
 * entry that is null.
 */
class OwnContext extends Mustache.Context {
  override push(view: unknown): Mustache.Context {
    return new OwnContext(view, this);
  }

  override lookup(name: string): unknown {
    if (name === ".") return this.view;
    const path = name.split(".");
    for (let context: Mustache.Context | undefined = this; context !== undefined; context = context.parent) {
      const found = ownAt(context.view, path);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

function ownAt(view: unknown, path: readonly string[]): unknown {
  let value = view;
  for (const name of path) {
    if (value === null || value === undefined || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

/** A value as text: text as it is, anything else as JSON. */
export function valueText(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

/** Throws for what is not allowed. Names within a section may be those of its entries. */
function checkTokens(tokens: readonly Token[], options: TemplateOptions, isOutermost: boolean): void {
  for (const [type, name, , , within] of tokens) {
    const refused = type === "&" && options.allowsRaw === true ? undefined : NOT_HERE[type];
    if (refused !== undefined) throw new Error(`${refused} cannot be used here`);
    if (type === "text" || type === "!") continue;
    const [first = "", ...more] = name.split(".");
    if (name === "") throw new Error("{{ }} names nothing");
    // What every object has: to a template it is a field like any other, and a function would be called.
    if ([first, ...more].some((part) => part in Object.prototype))
      throw new Error(`${name} cannot be a field`);
    if (isOutermost && !options.fields.includes(first))
      throw new Error(`${name} is not there: names begin with ${options.fields.join(", ")}`);
    if (within !== undefined) checkTokens(within, options, false);
  }
}

function isFixed(tokens: readonly Token[]): boolean {
  return tokens.every(([type]) => type === "text" || type === "!");
}

function tooLarge(): AppError {
  return new AppError("invalid_request", `The template makes more than ${MAX_RENDERED} characters of this.`, {
    hint: "Show fewer values of it.",
  });
}
