import type { Caller } from "../tools/contract.ts";

/** An HTTP request that the gate in front has let in. */
export interface AdmittedRequest {
  request: Request;
  /** The body, read and parsed within its limits; undefined when there is none. */
  body: unknown;
  caller: Caller;
  /** Names the credential. A session answers only to the one that opened it. */
  keyId: string;
}

/** The MCP server as the HTTP edge sees it. */
export interface McpEndpoint {
  /** Answers in whichever era the client speaks. Never rejects. */
  handle(admitted: AdmittedRequest): Promise<Response>;
  /** Ends the sessions of credentials that are not valid any more. */
  dropKeys(holds: (keyId: string) => boolean): void;
  /** Sessions of older clients that are open. */
  readonly sessions: number;
  /** Ends every session and stream. */
  close(): Promise<void>;
}
