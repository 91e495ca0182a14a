import { AppError } from "../../lib/errors.ts";
import type { Run } from "../../store/records.ts";
import { type Admission, admittedPlugin, callerOf } from "../admission.ts";
import { json } from "../answers.ts";
import { jsonBody } from "../body.ts";
import type { Edge } from "../edge.ts";
import { ROUTES } from "../routes.ts";
import { lastEventId } from "../sse.ts";
import { mayReach } from "./owners.ts";
import { isOpen, publicRun } from "./run-answers.ts";
import { dropNulls, streamRun } from "./turn.ts";

/** `GET /runs/{run_id}`, its events, its cancel, and decisions on what it asks for. A run of somebody else is 404, as if it were not there. */
export function runsApi(edge: Edge) {
  return admittedPlugin(edge.config.current.api.base_path)
    .get(ROUTES.run.path, async ({ params, admission }) =>
      json(admission, await shown(edge, await reach(edge, admission, params.run_id))),
    )
    .get(ROUTES.runEvents.path, async ({ params, request, admission }) => {
      const afterSeq = lastEventId(request.headers);
      const run = await reach(edge, admission, params.run_id);
      admission.headers["x-run-id"] = run.id;
      return streamRun(edge, request, admission, run.id, afterSeq);
    })
    .post(ROUTES.cancelRun.path, async ({ params, admission }) => {
      const { id } = await reach(edge, admission, params.run_id);
      const cancelled = await edge.agent.cancel(id);
      const run = await reach(edge, admission, id);
      return json(admission, { ...(await shown(edge, run)), cancelled });
    })
    .post(
      ROUTES.decideApproval.path,
      async ({ params, body, admission }) => {
        const { id } = await reach(edge, admission, params.run_id);
        const { decision, reason } = body;
        await edge.agent.decide(id, params.approval_id, {
          approved: decision === "approve",
          by: callerOf(admission).principal,
          ...(reason === undefined ? {} : { reason }),
        });
        return json(admission, { run_id: id, approval_id: params.approval_id, decision });
      },
      { body: ROUTES.decideApproval.body, parse: jsonBody(edge), transform: dropNulls },
    );
}

async function shown({ agent }: Edge, run: Run) {
  return publicRun(run, isOpen(run) ? await agent.approvals(run.id) : []);
}

async function reach({ store }: Edge, admission: Admission, runId: string): Promise<Run> {
  const run = await store.runs.get(runId);
  if (run !== null && mayReach(callerOf(admission), run.sessionKey)) return run;
  throw new AppError("not_found", "There is no such run.", {
    hint: "Its id is `run_id` in the answer to /chat.",
  });
}
