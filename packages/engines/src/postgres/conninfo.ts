import type { Endpoint, ReplicationAccount } from '../types.ts';

/** Slots and application names allow no hyphen unquoted: `db-2` is `db_2` there. */
export function slotName(node: string): string {
  return node.replaceAll('-', '_').toLowerCase();
}

/**
 * How `node` reaches `source`. No password: the server finds it in its passfile (PGPASSFILE). The short timeouts make a
 * dead source an error within seconds; the defaults would wait for minutes.
 */
export function primaryConninfo(node: Endpoint, source: Endpoint, replication: ReplicationAccount): string {
  const parts: Record<string, string> = {
    host: source.host,
    port: String(source.port),
    user: replication.user,
    application_name: slotName(node.name),
    connect_timeout: '2',
    tcp_user_timeout: '2000',
    ...tlsParts(replication),
  };
  return Object.entries(parts)
    .map(([name, value]) => `${name}=${quoted(value)}`)
    .join(' ');
}

/** Nothing of it is left to the server's environment: without that, libpq would fall back to clear text. */
function tlsParts({ tls }: ReplicationAccount): Record<string, string> {
  if (!tls) return { sslmode: 'prefer' };
  const { ca, replication } = tls.node;
  return { sslmode: 'verify-full', sslrootcert: ca, sslcert: replication, sslkey: replication };
}

function quoted(value: string): string {
  return /^[\w.-]+$/.test(value) ? value : `'${value.replaceAll(/[\\']/g, '\\$&')}'`;
}
