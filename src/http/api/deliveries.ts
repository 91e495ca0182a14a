import { AppError } from "../../lib/errors.ts";
import type { WebhookDeliveryStatus, WebhookFilter } from "../../store/webhook-records.ts";
import { publicDelivery, publicDeliveryDetails } from "../../webhooks/outbound/public.ts";
import { admittedPlugin } from "../admission.ts";
import { json } from "../answers.ts";
import { jsonBody } from "../body.ts";
import type { Edge } from "../edge.ts";
import { ROUTES } from "../routes.ts";
import { numericLimit, pageOf } from "./paging.ts";
import { dropNulls } from "./turn.ts";

/** `/deliveries`: the webhooks that Hermes sends. They tell of everybody's runs, so that all of it needs the scope `admin`. */
export function deliveriesApi(edge: Edge) {
  const { webhooks } = edge.store;
  const detailsOf = async (id: string) => {
    const details = await webhooks.get(id);
    if (details !== null) return publicDeliveryDetails(details);
    throw new AppError("not_found", "There is no such delivery.", { hint: "GET /deliveries lists them." });
  };
  return admittedPlugin(edge.config.current.api.base_path)
    .get(
      ROUTES.deliveries.path,
      async ({ query, admission }) => {
        const { items, nextCursor } = await webhooks.list({ ...pageOf(query), ...filterOf(query) });
        return json(admission, { deliveries: items.map(publicDelivery), next_cursor: nextCursor });
      },
      { query: ROUTES.deliveries.query, transform: numericLimit },
    )
    .get(ROUTES.delivery.path, async ({ params, admission }) =>
      json(admission, await detailsOf(params.delivery_id)),
    )
    .post(ROUTES.replayDelivery.path, async ({ params, admission }) => {
      const { id } = await detailsOf(params.delivery_id);
      await webhooks.replay(id);
      return json(admission, await detailsOf(id));
    })
    .post(
      ROUTES.replayDeliveries.path,
      async ({ body, admission }) => json(admission, { replayed: await webhooks.replay(filterOf(body)) }),
      { body: ROUTES.replayDeliveries.body, parse: jsonBody(edge), transform: dropNulls },
    );
}

interface FilterFields {
  status?: WebhookDeliveryStatus;
  endpoint?: string;
  type?: string;
  since?: string;
  until?: string;
}

function filterOf({ status, endpoint, type, since, until }: FilterFields): WebhookFilter {
  return {
    ...(status === undefined ? {} : { status }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(type === undefined ? {} : { type }),
    ...(since === undefined ? {} : { since: momentOf("since", since) }),
    ...(until === undefined ? {} : { until: momentOf("until", until) }),
  };
}

/** The schema lets only times through; not every one of them exists. */
function momentOf(name: string, text: string): number {
  const ms = Date.parse(text);
  if (!Number.isNaN(ms)) return ms;
  throw new AppError("invalid_request", `${name}: there is no such moment.`);
}
