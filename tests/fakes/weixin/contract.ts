/** A call that came to the server API. */
export interface ApiCall {
  /** Below `/cgi-bin/`. */
  path: string;
  query: Readonly<Record<string, string>>;
  /** The body of a call that brought JSON. */
  json: Record<string, unknown>;
}

/** How the next calls fare. */
export interface ApiFailure {
  errcode?: number;
  /** Default: words that say nothing. */
  errmsg?: string;
  /** An answer that is no JSON. */
  status?: number;
  /** Default: 1. */
  times?: number;
}

/** What a call is answered with. */
export type Answer = Record<string, unknown> | Response;
/** Does what a call asks for. */
export type Method = (call: ApiCall) => Answer | Promise<Answer>;

/** Throws the answer that a call is refused with. */
export class Refusal extends Error {
  constructor(
    readonly errcode: number,
    readonly errmsg = "refused, hint: [1234], from ip: 127.0.0.1",
  ) {
    super(`errcode ${errcode}`);
  }
}
