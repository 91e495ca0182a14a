import { type Db, statement } from "./connection.ts";
import type { RunError } from "./records.ts";
import type { WebhookStore } from "./webhook-contract.ts";
import type { WebhookBacklog, WebhookEndpointState } from "./webhook-records.ts";
import type { Access } from "./writer.ts";

/** A failure so long after the last one is the first of its own: nothing was tried in between. */
const SILENCE_MS = 2 * 24 * 3_600_000;

interface Row {
  name: string;
  lastSuccessAt: number | null;
  lastFailureAt: number | null;
  failingSince: number | null;
  disabledAt: number | null;
  disabledReason: string | null;
  disabledUrl: string | null;
}

const COLUMNS = `name, last_success_at AS lastSuccessAt, last_failure_at AS lastFailureAt,
  failing_since AS failingSince, disabled_at AS disabledAt, disabled_reason AS disabledReason,
  disabled_url AS disabledUrl`;

const selectEndpoint = statement((db) =>
  db.$client.prepare<Row, [string]>(`SELECT ${COLUMNS} FROM webhook_endpoints WHERE name = ?`),
);

const selectNameOf = statement((db) =>
  db.$client.prepare<{ endpoint: string }, [string]>("SELECT endpoint FROM webhook_deliveries WHERE id = ?"),
);

const noteSuccess = statement((db) =>
  db.$client.prepare(
    `INSERT INTO webhook_endpoints (name, last_success_at) VALUES (?1, ?2)
     ON CONFLICT (name) DO UPDATE SET last_success_at = ?2, failing_since = NULL`,
  ),
);

const noteFailure = statement((db) =>
  db.$client.prepare(
    `INSERT INTO webhook_endpoints (name, last_failure_at, failing_since) VALUES (?1, ?2, ?2)
     ON CONFLICT (name) DO UPDATE SET last_failure_at = ?2,
       failing_since = CASE WHEN last_failure_at > ?2 - ?3 THEN coalesce(failing_since, ?2) ELSE ?2 END`,
  ),
);

const markDisabled = statement((db) =>
  db.$client.prepare(
    `INSERT INTO webhook_endpoints (name, disabled_at, disabled_reason, disabled_url) VALUES (?1, ?2, ?3, ?4)
     ON CONFLICT (name) DO UPDATE SET disabled_at = ?2, disabled_reason = ?3, disabled_url = ?4`,
  ),
);

const markEnabled = statement((db) =>
  db.$client.prepare(
    `UPDATE webhook_endpoints
     SET disabled_at = NULL, disabled_reason = NULL, disabled_url = NULL, failing_since = NULL
     WHERE name = ? AND disabled_at IS NOT NULL`,
  ),
);

const deleteEndpoint = statement((db) => db.$client.prepare("DELETE FROM webhook_endpoints WHERE name = ?"));

const buryOpen = statement((db) =>
  db.$client.prepare(
    `UPDATE webhook_deliveries SET status = 'dead', error = ?2, finished_at = ?3 WHERE position IN
       (SELECT position FROM webhook_deliveries WHERE endpoint = ?1 AND finished_at IS NULL ORDER BY position LIMIT ?4)`,
  ),
);

const countBacklog = statement((db) =>
  db.$client.prepare<WebhookBacklog, [string]>(
    `SELECT (SELECT count(*) FROM webhook_deliveries WHERE endpoint = ?1 AND finished_at IS NULL) AS due,
       (SELECT count(*) FROM webhook_deliveries WHERE endpoint = ?1 AND status = 'dead') AS dead`,
  ),
);

type EndpointStore = Pick<WebhookStore, "endpoint" | "backlog" | "disable" | "bury" | "enable" | "forget">;

/** So many are given up in one transaction, that no other write waits long. */
const BURY_BATCH = 1_000;

/** How the endpoints are. `now` gives milliseconds since the epoch. */
export function createEndpointStore(access: Access, now: () => number): EndpointStore {
  async function bury(name: string, error: RunError): Promise<number> {
    for (let count = 0; ; ) {
      const batch = await access.write((db) =>
        buryOpen(db).run(name, JSON.stringify(error), now(), BURY_BATCH),
      );
      count += batch.changes;
      if (batch.changes < BURY_BATCH) return count;
    }
  }
  return {
    endpoint: (name) => access.read((db) => stateOf(db, name)),
    backlog: (name) => access.read((db) => countBacklog(db).get(name) ?? { due: 0, dead: 0 }),
    async disable(name, { urlDigest, error }) {
      await access.write((db) => {
        markDisabled(db).run(name, now(), error.message, urlDigest);
      });
      return bury(name, error);
    },
    bury,
    enable: (name) => access.write((db) => markEnabled(db).run(name).changes > 0),
    forget: (name) =>
      access.write((db) => {
        deleteEndpoint(db).run(name);
      }),
  };
}

/** Notes what became of a try at the endpoint of a delivery, and gives its state; within a transaction. */
export function noteTry(db: Db, deliveryId: string, isSuccess: boolean, now: number): WebhookEndpointState {
  const name = selectNameOf(db).get(deliveryId)?.endpoint;
  if (name === undefined) return unknownState("");
  if (isSuccess) noteSuccess(db).run(name, now);
  else noteFailure(db).run(name, now, SILENCE_MS);
  return stateOf(db, name);
}

function stateOf(db: Db, name: string): WebhookEndpointState {
  const row = selectEndpoint(db).get(name);
  if (!row) return unknownState(name);
  const { disabledAt: at, disabledReason, disabledUrl, ...state } = row;
  return {
    ...state,
    disabled: at === null ? null : { at, reason: disabledReason ?? "", urlDigest: disabledUrl ?? "" },
  };
}

function unknownState(name: string): WebhookEndpointState {
  return { name, lastSuccessAt: null, lastFailureAt: null, failingSince: null, disabled: null };
}
