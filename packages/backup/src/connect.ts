import type { Connection } from '@replication-lab/engines';
import type { LocalNode } from '@replication-lab/engines/local';
import type { Site } from './types.ts';

const CONNECT_MS = 3_000;
/** For what a node answers at once. What takes long has a deadline of its own. */
const ASK_MS = 15_000;

/** To a node of the lab, as the account for backups. A query without a deadline gets one: a node may freeze at any moment. */
export async function connectForBackup(site: Site, { spec }: LocalNode): Promise<Connection> {
  const connection = await site.engine.client.connect(spec.node, site.accounts.backup, {
    database: site.database,
    connectTimeoutMs: CONNECT_MS,
  });
  return {
    endpoint: connection.endpoint,
    query: (sql, params = [], options = {}) =>
      connection.query(sql, params, { timeoutMs: ASK_MS, ...options }),
    onClose: (listener) => connection.onClose(listener),
    close: () => connection.close(),
    destroy: () => connection.destroy(),
    [Symbol.asyncDispose]: () => connection.close(),
  };
}
