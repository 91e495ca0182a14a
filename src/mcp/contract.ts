import type {
  CallToolRequestParams,
  CallToolResult,
  ClientCapabilities,
  CompleteRequestParams,
  CompleteResult,
  GetPromptRequestParams,
  GetPromptResult,
  InputRequiredResult,
  ListPromptsResult,
  ListResourcesResult,
  ListResourceTemplatesResult,
  LoggingLevel,
  ReadResourceResult,
  ServerContext,
  Tool as ToolObject,
} from "@modelcontextprotocol/server";
import type { SkillSource } from "@modelcontextprotocol/server/ext/skills";
import type { Caller } from "../tools/contract.ts";
import type { NamedCall } from "./tool-call.ts";

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

/** `legacy`: the revisions up to 2025-11-25, which begin with `initialize`; `modern`: 2026-07-28, where every request stands alone. */
export type Era = "legacy" | "modern";

/** One request of a client, as the features see it. */
export interface Exchange {
  readonly caller: Caller;
  readonly era: Era;
  /** What the SDK knows of the request: its signal, its metadata, the way back to the client. */
  readonly context: ServerContext;
  readonly clientCapabilities: ClientCapabilities;
  /** Tells the client what happens, where it wants to know things of this level. Never throws. */
  log(level: LoggingLevel, data: Record<string, unknown>): void;
  /** Signs data that the client brings back with its next try; it then is in `context.mcpReq.requestState()`. */
  mintState(payload: unknown): Promise<string>;
}

/** A list that clients may keep, and are told of when it changes. */
export type ListKind = "tools" | "resources" | "prompts";

/**
 * What is served, apart from how: the wiring of eras, sessions and transports is the same for Hermes's own features and for
 * the fixture of the conformance suite.
 */
export interface McpFeatures {
  /** Told to the client for its model. */
  readonly instructions: string;
  readonly tools: {
    list(exchange: Exchange): ToolObject[];
    /** The tool's input schema, by which `Mcp-Param-*` headers are checked (SEP-2243); undefined for an unknown tool. */
    inputSchema(name: string): ToolObject["inputSchema"] | undefined;
    call(params: CallToolRequestParams, exchange: Exchange): Promise<CallToolResult | InputRequiredResult>;
    /**
     * Calls a tool that has nothing to say but its result, and is done too soon to be cancelled; undefined for any other. In
     * a session it also must only read, because an answer that is lost there without a stream has to be asked for again.
     */
    callPlainly?(
      call: NamedCall,
      caller: Caller,
      era: Era,
      signal: AbortSignal,
    ): Promise<CallToolResult> | undefined;
  };
  readonly resources: {
    list(cursor: string | undefined, exchange: Exchange): Promise<ListResourcesResult>;
    templates(exchange: Exchange): ListResourceTemplatesResult;
    /** Null for a resource that is not there, or not for this caller. */
    read(uri: string, exchange: Exchange): Promise<ReadResourceResult | null>;
    /** Clients may ask to be told when a resource changes. */
    readonly subscribe: boolean;
  };
  readonly prompts: {
    list(exchange: Exchange): Promise<ListPromptsResult>;
    get(params: GetPromptRequestParams, exchange: Exchange): Promise<GetPromptResult | InputRequiredResult>;
  };
  complete(params: CompleteRequestParams, exchange: Exchange): Promise<CompleteResult>;
  /** What the skills extension (SEP-2640) serves, for the caller of a request. */
  skills(callerOf: (context: ServerContext) => Caller): SkillSource;
  /** Calls back after every change of a list; returns the way to stop. */
  onChange(listener: (list: ListKind) => void): () => void;
}
