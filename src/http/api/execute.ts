import { admittedPlugin, callerOf } from "../admission.ts";
import { jsonBody } from "../body.ts";
import type { Edge } from "../edge.ts";
import { ROUTES } from "../routes.ts";
import { answerMode, answerTurn, dropNulls } from "./turn.ts";

/** `POST /execute`. */
export function executeApi(edge: Edge) {
  return admittedPlugin(edge.config.current.api.base_path).post(
    ROUTES.execute.path,
    ({ body, request, admission }) => {
      const caller = callerOf(admission);
      return answerTurn(edge, {
        request,
        admission,
        body,
        mode: answerMode(request),
        turn: {
          kind: "execute",
          caller: body.tools === undefined ? caller : edge.tools.narrow(caller, body.tools),
          text: body.task,
          ...(body.session_id === undefined ? {} : { sessionId: body.session_id }),
          ...(body.model === undefined ? {} : { model: body.model }),
          ...(body.attachments === undefined ? {} : { attachments: body.attachments }),
        },
      });
    },
    { body: ROUTES.execute.body, parse: jsonBody(edge), transform: dropNulls },
  );
}
