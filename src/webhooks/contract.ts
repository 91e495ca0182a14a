import type { SchemeName } from "../config/scheme-names.ts";

export { SCHEME_NAMES, type SchemeName } from "../config/scheme-names.ts";

/** Headers by their names in lower case. One that came twice is a single one, joined by ", ". */
export type SignedHeaders = Readonly<Record<string, string>>;

/** A request as far as signatures cover one. */
export interface SignedRequest {
  headers: SignedHeaders;
  /** As it came, byte by byte: what a parser makes of it is signed by nobody. */
  body: Uint8Array;
  /**
   * The address that the sender called, for schemes that sign it (Twilio). It comes from the configuration; only the query
   * may be the request's. An address made of Host or X-Forwarded-Host would be the caller's choice.
   */
  url?: string;
}

/**
 * What a check came to. Nothing else of the request is proven: neither the headers of its id, its event and its content
 * type, nor the path, unless a scheme says so.
 */
export type Verdict =
  | {
      ok: true;
      /**
       * Names the event for good: the same in every repetition by the sender, and nobody without the secret can change it.
       * Null where the scheme signs no such id: then the hash of the body stands for it.
       */
      deliveryId: string | null;
      /** When it was signed; null where the scheme signs no time, so that only the dedupe stands against a replay. */
      atMs: number | null;
    }
  /** `reason` is for the log: it repeats nothing of the request, and the caller is told nothing but "not signed". */
  | { ok: false; reason: string };

/** What a sender adds to the body. */
export interface SigningParts {
  /** Of the event: stays the same when it is sent again. Without dots, commas and spaces. */
  id: string;
  /** When this attempt is signed. */
  nowMs: number;
  /** The address it goes to, for schemes that sign it. */
  url?: string;
}

/** One way to sign webhooks, for both directions. */
export interface Scheme {
  name: SchemeName;
  /** A request with any of these headers uses the scheme. Lower case. */
  headers: readonly string[];
  /** Present where the headers alone carry the proof: false refuses the request before its body is read. */
  beforeBody?(headers: SignedHeaders, secrets: readonly string[]): boolean;
  /**
   * Checks a request against every secret: two while one replaces the other. Blank ones count as absent, and without any
   * nothing is accepted. A header that is missing, blank, doubled, cut or spelt otherwise is a refusal. Never throws.
   */
  verify(request: SignedRequest, secrets: readonly string[], nowMs: number): Verdict;
  /** The headers that prove a body. Throws `usage` for a secret, an id or an address it cannot sign with. */
  sign(body: Uint8Array, secret: string, parts: SigningParts): Record<string, string>;
}
