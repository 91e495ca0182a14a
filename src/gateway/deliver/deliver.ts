import type { Agent } from "../../agent/contract.ts";
import { accountLabel } from "../../config/accounts.ts";
import type { LiveConfig } from "../../config/live.ts";
import type { Log } from "../../lib/log.ts";
import { sleep, within } from "../../lib/waiting.ts";
import type { Store } from "../../store/contract.ts";
import type { NewOutboundDelivery, OutboundDelivery } from "../../store/records.ts";
import type { Connection } from "../contract.ts";
import { extraOf } from "../extra.ts";
import { followMove } from "../moves.ts";
import { type Ending, followAnswer } from "./answer.ts";
import { contentsOf } from "./contents.ts";
import { closeQuestion } from "./decisions.ts";
import { createDispatch } from "./dispatch.ts";
import type { OpenFile } from "./files.ts";
import type { KeptFiles } from "./kept-files.ts";
import { createLanes, type Queued } from "./lanes.ts";
import { type Outgoing, resumed } from "./outgoing.ts";
import { createPace, type Pace } from "./pace.ts";
import { createSigns } from "./signs.ts";
import { createSleepers } from "./sleepers.ts";
import { createTyping } from "./typing.ts";

/** How often it is asked what other processes want sent. */
const LOOK_MS = 1_000;
const PAGE = 200;
/** After a fault of the store. */
const FOLLOW_AGAIN_MS = 1_000;
/** What is being sent may take so long to end, once nothing runs any more. */
const FLUSH_MS = 5_000;
/** Nothing is taken up twice: an account's newest position that was looked at. */
const FROM_THE_BEGINNING = 0;

/** What delivering works with. */
export interface DeliverParts {
  store: Store;
  agent: Pick<Agent, "events" | "waits" | "onMove">;
  config: LiveConfig;
  log: Log;
  openFile: OpenFile;
  kept: Pick<KeptFiles, "open" | "drop">;
  find(platform: string, account: string): Connection | null;
}

/** Brings what is in the outbox to its chats. */
export interface Deliverer {
  /** Takes over a delivery that this process has put into the outbox. */
  deliver(delivery: NewOutboundDelivery): void;
  /** An account can send: takes up all that is open for it, now and from then on as others add to it. */
  ready(connection: Connection): void;
  /** Resolves once the delivery is sent or dead. */
  settled(id: string): Promise<void>;
  /** Waits until `turnsEnded`, lets what is due be sent, and leaves the rest for the next start. */
  stop(turnsEnded: Promise<unknown>): Promise<void>;
}

/** A delivery that is followed or sent. */
interface Taken extends Outgoing, Queued {
  ending: Ending;
}

/** Nothing is sent before an account is ready. */
export function createDeliverer(parts: DeliverParts): Deliverer {
  const { store, config, agent, log, openFile, kept, find } = parts;
  const stopping = new AbortController();
  /** The ids of all that this process has taken up. */
  const taken = new Set<string>();
  const settling = new Map<string, (() => void)[]>();
  const paces = new Map<string, Pace>();
  const looks = new Map<string, { position: number; timer: Timer }>();
  let order = 0;

  const paceOf = (connection: Connection): Pace => {
    const label = accountLabel(connection.account);
    const pace = paces.get(label) ?? createPace(connection.platform.limits);
    paces.set(label, pace);
    return pace;
  };
  const sign = createSigns({ find, log, signal: stopping.signal });
  const showTyping = createTyping(stopping.signal, log);
  const answerParts = { ...parts, paceOf, deliver, showTyping };
  const dispatch = createDispatch({
    store: store.deliveries,
    find,
    paceOf,
    followMove: ({ account }, from, to) => followMove({ store, log }, account, from, to),
    log,
    signal: stopping.signal,
  });
  const lanes = createLanes<Taken>(async (item) => {
    let asks = false;
    const isOver = await dispatch.send(item, async (connection) => {
      const contents = await contentsOf(item.delivery, item.ending, connection, {
        config,
        store,
        openFile,
        kept,
      });
      asks = contents.some(({ buttons }) => buttons !== undefined);
      return contents;
    });
    if (isOver) sign(item, item.ending.run);
    if (isOver && asks) closeDecided(item.delivery);
    if (isOver) await dropFiles(item.delivery);
    leave(item);
  });
  const sleepers = createSleepers({ ...parts, signal: stopping.signal, woken, leave: leaveId });

  /** What is dead keeps its files, as it can be tried again. */
  async function dropFiles({ id, extra }: OutboundDelivery): Promise<void> {
    if (extraOf({ extra }).files === undefined) return;
    try {
      if ((await store.deliveries.get(id))?.status === "sent") await kept.drop(id);
    } catch (error) {
      log.debug("files that were sent could not be removed; the next start does", { id, error });
    }
  }

  /** What was decided while its question was on the way. */
  function closeDecided({ target, extra }: OutboundDelivery): void {
    const { approval } = extraOf({ extra });
    const connection = find(target.platform, target.account);
    if (approval !== undefined && connection !== null)
      void closeQuestion(approval.approvalId, connection, answerParts);
  }

  function take(outgoing: Outgoing): void {
    const { delivery } = outgoing;
    if (taken.has(delivery.id) || stopping.signal.aborted) return;
    const item: Taken = { ...outgoing, order: order++, ending: { run: null, said: "" } };
    taken.add(delivery.id);
    if (delivery.kind === "answer") takeAnswer(item);
    else lanes.add(laneOf(delivery), item);
  }

  function takeAnswer(item: Taken): void {
    const { id, runId, target } = item.delivery;
    const connection = find(target.platform, target.account);
    if (connection === null) {
      leave(item); // it is taken up when the account is ready
      return;
    }
    sign(item, null);
    if (runId === undefined || !agent.waits(runId)) void follow(item, connection);
    else sleepers.add(runId, { id, order: item.order, isResumed: item.unsure !== undefined });
  }

  function woken(outgoing: Outgoing, order: number): void {
    const { target } = outgoing.delivery;
    const item: Taken = { ...outgoing, order, ending: { run: null, said: "" } };
    const connection = find(target.platform, target.account);
    if (connection === null) leave(item);
    else void follow(item, connection);
  }

  /** Waits for the run of an answer, which is due from then on. */
  async function follow(item: Taken, connection: Connection): Promise<void> {
    while (!stopping.signal.aborted)
      try {
        item.ending = await followAnswer(item, connection, answerParts, stopping.signal);
        return lanes.add(laneOf(item.delivery), item);
      } catch (error) {
        if (!stopping.signal.aborted)
          log.warn("an answer could not be followed", { id: item.delivery.id, error });
        await sleep(FOLLOW_AGAIN_MS, stopping.signal);
      }
    leave(item);
  }

  function leave({ delivery }: Taken): void {
    leaveId(delivery.id);
  }

  function leaveId(id: string): void {
    taken.delete(id);
    for (const resolve of settling.get(id) ?? []) resolve();
    settling.delete(id);
  }

  function deliver(delivery: NewOutboundDelivery): void {
    const status = delivery.kind === "answer" ? "waiting" : "due";
    const createdAt = Date.now();
    const fresh = {
      position: 0,
      parts: [],
      attempts: 0,
      dueAt: createdAt,
      error: null,
      createdAt,
      finishedAt: null,
    };
    take({ delivery: { ...delivery, ...fresh, status }, shown: [] });
  }

  /** Takes up what is in the outbox behind the position that was looked at last. */
  async function look(connection: Connection): Promise<void> {
    const { platform, name } = connection.account;
    const label = accountLabel(connection.account);
    for (;;) {
      const from = looks.get(label)?.position ?? FROM_THE_BEGINNING;
      const open = await store.deliveries.open(platform, name, from, PAGE);
      for (const delivery of open) take(resumed(delivery));
      const known = looks.get(label);
      if (known) known.position = open.at(-1)?.position ?? from;
      if (open.length < PAGE || stopping.signal.aborted) return;
    }
  }

  return {
    deliver,
    ready(connection) {
      const label = accountLabel(connection.account);
      dispatch.wake();
      const lookNow = () =>
        look(connection).catch((error: unknown) => log.warn("the outbox could not be read", { error }));
      const known = looks.get(label);
      if (known) known.position = FROM_THE_BEGINNING;
      else looks.set(label, { position: FROM_THE_BEGINNING, timer: setInterval(lookNow, LOOK_MS) });
      void lookNow();
    },
    settled(id) {
      if (!taken.has(id)) return Promise.resolve();
      return new Promise((resolve) => settling.set(id, [...(settling.get(id) ?? []), resolve]));
    },
    async stop(turnsEnded) {
      for (const { timer } of looks.values()) clearInterval(timer);
      await turnsEnded;
      dispatch.drain();
      await within(lanes.idle(), FLUSH_MS);
      stopping.abort(new Error("Hermes is stopping."));
      sleepers.stop();
      await lanes.idle();
    },
  };
}

function laneOf({ target }: OutboundDelivery): string {
  return JSON.stringify([target.platform, target.account, target.chat, target.thread ?? ""]);
}
