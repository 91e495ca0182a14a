import type { Account } from "../../config/accounts.ts";
import { clamp } from "../../lib/backoff.ts";
import type { Log } from "../../lib/log.ts";
import { within } from "../../lib/waiting.ts";
import { type InboundEvent, type Platform, PlatformError } from "../../platforms/contract.ts";
import type { Ability } from "../contract.ts";
import type { RemoteMethod } from "../protocol.ts";
import type { HealthRecord } from "./account-health.ts";
import { createIntake } from "./intake.ts";
import type { SupervisionTimings } from "./timings.ts";
import { linkWorker, type WorkerEnd, type WorkerNews } from "./worker-link.ts";

/** How often the watchdog looks, at least and at most. */
const LOOK_MS = { least: 10, most: 5_000 };

/** What a session works with. */
export interface SessionParts {
  account: Account;
  platform: Platform;
  /** What the adapter saved last. */
  state: unknown;
  /** Where its webhook answers. */
  webhookPath: string;
  worker: Worker;
  health: HealthRecord;
  log: Log;
  timings: SupervisionTimings;
  /** Whether it shall receive, asked when it could begin to. */
  receives(): boolean;
  received(event: InboundEvent): Promise<void>;
  saveState(state: unknown): Promise<void>;
  /** It can send from now on. */
  onReady(abilities: readonly Ability[]): void;
}

/** An account in the hands of one worker. */
export interface WorkerSession {
  /** Resolves once, when the worker is of no use any more or its adapter has given up. */
  readonly over: Promise<WorkerEnd>;
  /** Resolves when the thread is gone. */
  readonly gone: Promise<void>;
  /** It can be called. */
  readonly isReady: boolean;
  /** It receives, and has given no sign of life for too long. */
  readonly isSilent: boolean;
  /** For how long it was connected, first to last. */
  readonly connectedMs: number;
  call(
    method: RemoteMethod,
    args: readonly unknown[],
    signal?: AbortSignal,
    handed?: ArrayBuffer[],
  ): Promise<unknown>;
  stopReceiving(): Promise<void>;
  /** Has the worker give back the memory that it does not need. */
  shrink(): void;
  end(): Promise<void>;
}

/** Connects the adapter, lets it receive, and ends it when it falls silent. */
export function openSession(parts: SessionParts): WorkerSession {
  const { account, platform, worker, health, log, timings, state, webhookPath } = parts;
  const { silenceMs } = platform.limits;
  const isByConnection = platform.receivesBy(account.settings) === "connection";
  const connect = { platform: account.platform, settings: account.settings, state, webhookPath };
  const wantsDebug = () => log.wantsDebug?.() ?? true;
  const link = linkWorker({ worker, connect, wantsDebug, onNews: hear, timings });
  const intake = createIntake({ ...parts, stateIsPlace: isByConnection, settled: link.settle });
  let isReady = false;
  let isListening = false;
  let connectedAtMs: number | null = null;
  let lastSignMs = performance.now();

  const isUnready = () => !isReady && performance.now() - lastSignMs > timings.callMs;
  const isSilent = () => isListening && isByConnection && performance.now() - lastSignMs > silenceMs;
  const watchdog = setInterval(
    () => {
      if (isUnready()) link.terminate({ type: "crashed", reason: "Its worker did not get ready." });
      if (isSilent()) link.terminate({ type: "crashed", reason: silence(platform) });
    },
    clamp(Math.min(silenceMs, timings.callMs) / 4, LOOK_MS.least, LOOK_MS.most),
  );
  watchdog.unref();
  void link.over.then(() => clearInterval(watchdog));

  function hear(news: WorkerNews): void {
    if (news.type === "log") log[news.level](news.message, news.fields);
    else lastSignMs = performance.now();
    if (news.type === "emitted") for (const item of news.items) intake(item);
    else if (news.type === "ready") begin(news);
    else if (news.type === "status") follow(news);
  }

  function begin({ abilities, listens }: WorkerNews & { type: "ready" }): void {
    isReady = true;
    isListening = listens && parts.receives();
    if (isListening) link.listen();
    if (!listens) enterConnected();
    parts.onReady(abilities);
  }

  function follow({ status }: WorkerNews & { type: "status" }): void {
    if (status.state === "connected") connectedAtMs ??= performance.now();
    health.follow(status);
  }

  function enterConnected(): void {
    connectedAtMs ??= performance.now();
    health.enter("connected");
  }

  /** Without a connection, calls are all that tells whether the platform takes this account. */
  function learn(error: unknown): void {
    if (isListening) return;
    if (error === null && health.current.state === "refused") enterConnected();
    else if (error instanceof PlatformError && error.kind === "unauthorized") health.enter("refused", error);
  }

  return {
    over: link.over,
    gone: link.gone,
    shrink: link.shrink,
    end: link.end,
    get isReady() {
      return isReady;
    },
    get isSilent() {
      return isSilent();
    },
    get connectedMs() {
      return connectedAtMs === null ? 0 : performance.now() - connectedAtMs;
    },
    async call(...call) {
      try {
        const answer = await link.call(...call);
        learn(null);
        return answer;
      } catch (error) {
        learn(error);
        throw error;
      }
    },
    async stopReceiving() {
      if (!isListening) return;
      isListening = false;
      if (!(await within(link.stopListening(), timings.stopReceivingMs)))
        log.warn("it does not stop receiving");
    },
  };
}

const silence = ({ title, limits }: Platform) =>
  `Nothing was heard of ${title} for ${Math.round(limits.silenceMs / 1000)} s; its worker is made anew.`;
