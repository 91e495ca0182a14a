import { type TObject, type TProperties, type TSchema, Type } from "typebox";
import { TOOL_GROUPS } from "./tool-groups.ts";

/**
 * What the schema says about a key beyond its type. The loader, `config.example.yaml`, the JSON Schema, the reference
 * page, `hermes config explain` and the redaction of secrets are all made from it.
 */
export interface Annotations {
  description: string;
  /** Never shown. */
  secret?: true;
  /** The environment variable that overrides the key. */
  env?: string;
  /** What the example file shows. */
  sample?: unknown;
  /** What a pattern asks for, in words. */
  form?: string;
  /** A change takes effect at the next start only. */
  restart?: true;
}

/** A node of the schema as those who walk it see it. */
export type ConfigNode = TSchema & Partial<Annotations>;

export const section = <P extends TProperties>(description: string, properties: P): TObject<P> =>
  Type.Object(properties, { description, additionalProperties: false, default: {} });

/** An entry of a list or of a map, with its own keys. */
export const entry = <P extends TProperties>(description: string, properties: P): TObject<P> =>
  Type.Object(properties, { description, additionalProperties: false });

export const oneOf = <const Name extends string>(
  names: readonly Name[],
  more: Partial<Annotations> & { default?: Name } = {},
) =>
  Type.Union(
    names.map((name) => Type.Literal(name)),
    more,
  );

export const flag = (value: boolean, description: string) => Type.Boolean({ description, default: value });

export const count = (value: number, minimum: number, maximum: number, description: string) =>
  Type.Integer({ description, default: value, minimum, maximum });

export const words = (description: string, more: Partial<Annotations> & { default?: string[] } = {}) =>
  Type.Array(Type.String(), { description, default: [], ...more });

export const text = (annotations: Annotations) => Type.Optional(Type.String(annotations));

/** A secret of blanks is none: whoever looks for one would find it missing, and an HMAC by it can be made by anybody. */
export const SECRET = { secret: true, pattern: "\\S", form: "text that is not blank" } as const;

export const secret = (annotations: Annotations) => Type.Optional(Type.String({ ...annotations, ...SECRET }));

/** Tool groups, all of them by default. */
export const allToolGroups = (description: string) =>
  Type.Array(oneOf(TOOL_GROUPS), { description, default: [...TOOL_GROUPS] });

/** The keys of every listener. */
export const listener = (what: string, defaultPort: number) => ({
  host: Type.String({
    description: `Address that ${what} listens on. Beyond loopback only with authentication.`,
    default: "127.0.0.1",
    minLength: 1,
    restart: true,
  }),
  port: Type.Integer({
    description: `TCP port of ${what}; 0 lets the system choose.`,
    default: defaultPort,
    minimum: 0,
    maximum: 65535,
    restart: true,
  }),
});

export const rateLimit = ({
  description = "Limit per key.",
  requests = 60,
  what = "Requests a key may make in a minute; more get 429 with Retry-After.",
} = {}) => section(description, { requests_per_minute: count(requests, 1, 10_000_000, what) });

export const allowedOrigins = () =>
  words("Browser origins that may call, matched exactly. Empty: no page of another site may.", {
    sample: ["https://your-app.com"],
  });

/** What becomes of calls that need an approval. */
export const approvalMode = (description: string) =>
  Type.Optional(oneOf(["deny", "ask", "allow"], { description }));
