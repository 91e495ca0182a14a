import { randomUUID } from "node:crypto";
import { createInOrder } from "../../../lib/in-order.ts";
import { PlatformError } from "../../contract.ts";
import type { Fields } from "../../fields.ts";
import { type Frame, writeFrame } from "./frame.ts";

/** Frames of ours that wait for their acknowledgement. */
export interface Requests {
  /** Resolves to the acknowledgement, whatever it says. Rejects with `unavailable` when none comes in time. */
  send(
    cmd: string,
    body: Fields | undefined,
    options?: { reqId?: string; timeoutMs?: number },
  ): Promise<Frame>;
  /** An acknowledgement came. */
  answer(frame: Frame): void;
  /** No more will come. */
  end(reason: PlatformError): void;
}

/** Acknowledgements name nothing but the `req_id`, so that of one id only one frame is on its way at a time. */
export function createRequests(post: (text: string) => void, ackMs: number): Requests {
  const waiting = new Map<string, PromiseWithResolvers<Frame>>();
  const inOrder = createInOrder();
  let over: PlatformError | null = null;

  async function exchange(
    cmd: string,
    body: Fields | undefined,
    reqId: string,
    timeoutMs: number,
  ): Promise<Frame> {
    if (over !== null) throw over;
    const answered = Promise.withResolvers<Frame>();
    waiting.set(reqId, answered);
    const timer = setTimeout(() => {
      answered.reject(new PlatformError("unavailable", "WeCom does not answer in time."));
    }, timeoutMs);
    try {
      post(writeFrame(cmd, reqId, body));
      return await answered.promise;
    } finally {
      clearTimeout(timer);
      waiting.delete(reqId);
    }
  }

  return {
    send(cmd, body, { reqId = `${cmd}_${randomUUID()}`, timeoutMs = ackMs } = {}) {
      return inOrder(reqId, () => exchange(cmd, body, reqId, timeoutMs));
    },
    answer: (frame) => waiting.get(frame.reqId)?.resolve(frame),
    end(reason) {
      over ??= reason;
      for (const { reject } of waiting.values()) reject(over);
    },
  };
}
