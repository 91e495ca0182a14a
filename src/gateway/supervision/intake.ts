import { toAppError } from "../../lib/errors.ts";
import type { InboundEvent } from "../../platforms/contract.ts";
import type { EmittedItem } from "../protocol.ts";

/** An adapter whose refused events never come again has its state kept back all the same. */
const MAX_MISSED = 1_000;

/** What the intake of a worker works with. */
export interface IntakeParts {
  /** The platform brings events again from where the state says. False where it does so by itself. */
  stateIsPlace: boolean;
  /** Resolves once the event is on disk or refused for good. */
  received(event: InboundEvent): Promise<void>;
  saveState(state: unknown): Promise<void>;
  /** What became of an item; null: it is on disk or refused for good. */
  settled(id: number, problem: string | null): void;
}

/**
 * Takes what a worker emits. Events are received side by side. A state is written when every event before it is on disk, and
 * not before: after a crash the adapter goes on behind it, and would never see again what is missing. For the same reason
 * none is written while an event that could not be taken has not come again, where it is the state that brings it again.
 */
export function createIntake(parts: IntakeParts): (item: EmittedItem) => void {
  const { stateIsPlace, received, saveState, settled } = parts;
  const missed = new Set<string>();
  let before: Promise<void> = Promise.resolve();

  async function takeEvent(id: number, event: InboundEvent): Promise<void> {
    try {
      await received(event);
      missed.delete(event.id);
      settled(id, null);
    } catch (error) {
      if (missed.size < MAX_MISSED) missed.add(event.id);
      settled(id, toAppError(error).message);
    }
  }

  async function takeState(id: number, state: unknown): Promise<void> {
    try {
      if (missed.size === 0 || !stateIsPlace) await saveState(state);
      settled(id, null);
    } catch (error) {
      settled(id, toAppError(error).message);
    }
  }

  return (item) => {
    if ("event" in item) {
      const taken = takeEvent(item.id, item.event);
      // Nothing is handed on: what a platform without states receives would hang on one another for ever.
      before = before.then(() => taken);
    } else before = before.then(() => takeState(item.id, item.state));
  };
}
