import type { Connection, EngineName } from '@replication-lab/engines';

/** Statements of the application's accounts that one database says it has executed since `watchStatements`. */
export interface StatementCounts {
  readonly reads: number;
  readonly writes: number;
}

const APPLICATION_USERS = ['app', 'app_ro'];
const isRead = (text: string) => /^\s*select\b[\s\S]*\bfrom\s+users\b/i.test(text);
const isWrite = (text: string) =>
  /^\s*(insert|update|delete|replace|create|alter|drop|truncate)\b/i.test(text);

/** Starts the server's own counting. Works on a closed replica: logs and statistics are not data. */
export async function watchStatements(engine: EngineName, admin: Connection): Promise<void> {
  if (engine === 'postgres') {
    await admin.query('SELECT pg_stat_statements_reset()');
    return;
  }
  await admin.query("SET GLOBAL log_output = 'TABLE'");
  await admin.query('SET GLOBAL general_log = ON');
}

/** The extension's view is data: it comes from the primary. The counters behind it are each server's own. */
export async function prepareCounters(engine: EngineName, primaryAdmin: Connection): Promise<void> {
  if (engine === 'postgres') await primaryAdmin.query('CREATE EXTENSION IF NOT EXISTS pg_stat_statements');
}

export async function countStatements(engine: EngineName, admin: Connection): Promise<StatementCounts> {
  const rows =
    engine === 'postgres'
      ? await admin.query(
          `SELECT s.query AS text, s.calls AS calls, r.rolname AS account
             FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid`,
        )
      : await admin.query(
          `SELECT CONVERT(argument USING utf8mb4) AS text, 1 AS calls, SUBSTRING_INDEX(user_host, '[', 1) AS account
             FROM mysql.general_log WHERE command_type IN ('Query', 'Execute')`,
        );
  let reads = 0;
  let writes = 0;
  for (const row of rows.rows) {
    if (!APPLICATION_USERS.includes(String(row.account))) continue;
    const text = String(row.text);
    if (isRead(text)) reads += Number(row.calls);
    if (isWrite(text)) writes += Number(row.calls);
  }
  return { reads, writes };
}
