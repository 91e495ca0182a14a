import { admittedPlugin, callerOf } from "../admission.ts";
import { jsonBody } from "../body.ts";
import type { Edge } from "../edge.ts";
import { ROUTES } from "../routes.ts";
import { answerMode, answerTurn, dropNulls } from "./turn.ts";

/** `POST /chat`. */
export function chatApi(edge: Edge) {
  return admittedPlugin(edge.config.current.api.base_path).post(
    ROUTES.chat.path,
    ({ body, request, admission }) =>
      answerTurn(edge, {
        request,
        admission,
        body,
        mode: answerMode(request, body.stream),
        turn: {
          kind: "chat",
          caller: callerOf(admission),
          text: body.message,
          ...(body.session_id === undefined ? {} : { sessionId: body.session_id }),
          ...(body.model === undefined ? {} : { model: body.model }),
        },
      }),
    { body: ROUTES.chat.body, parse: jsonBody(edge), transform: dropNulls },
  );
}
