import type { Admission } from "../admission.ts";
import type { Route } from "../routes.ts";
import { checkEventBody, checkRate, checkSize, type Gate } from "./gate.ts";

/** A call that carries no key: it proves itself by a secret in its headers or by a signature over its body. */
export interface Call {
  route: Route;
  request: Request;
  /** The client's. */
  address: string;
}

/**
 * Lets a call of a platform, or an event of anybody, go on to where it is verified. They come through proxies and under any
 * name, which is not asked about. Nobody is locked out here: a stranger could silence a bot with a few wrong calls, and a
 * signature is not guessed.
 */
export function admitCall(gate: Gate, { route, request, address }: Call, admission: Admission): undefined {
  const called = gate.surface.called?.(request, route);
  if (called === undefined) throw new Error(`nobody looks at the calls to ${route.path}`);
  const spend = () => checkRate(`${called.account} ${address}`, "This address", gate, admission);
  if (route.scope === "event") {
    spend();
    checkEventBody(request.headers, gate, admission);
    called.admit();
    return;
  }
  // The servers of a platform share their addresses with everybody who has a bot: only proven calls are counted.
  if (route.method === "POST") checkSize(request.headers, gate, admission);
  called.admit();
  spend();
}
