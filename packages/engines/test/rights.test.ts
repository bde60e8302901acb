import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { rightsOf as mariadbRights } from '../src/mariadb/rights.ts';
import { rightsOf as mysqlRights } from '../src/mysql/rights.ts';
import { firstGrants } from '../src/mysql-protocol/rights.ts';
import { DATABASE_NAME, SUPERVISOR_USER } from '../src/names.ts';
import { accountTables } from './support/accounts-page.ts';

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

describe.each([
  ['mysql', mysqlRights(DATABASE_NAME)],
  ['mariadb', mariadbRights(DATABASE_NAME)],
] as const)('%s', (engine, rights) => {
  test('a fresh node in a container gives the supervisor what one outside does', () => {
    const statements = read(`infra/${engine}/supervisor.sql`)
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('--'));
    const account = `'${SUPERVISOR_USER}'@'%'`;
    expect(statements).toEqual(firstGrants(rights.supervisor, account, DATABASE_NAME));
  });

  test('no account has a right to everything', () => {
    const grants = Object.values(rights).flatMap((list) => list.flatMap(({ grants }) => grants));
    // mariadb-backup demands these two of the account for backups, and will not start without.
    const demanded = engine === 'mariadb' ? ['RELOAD ON *.*', 'PROCESS ON *.*'] : [];
    expect(
      grants.filter((grant) => /\b(ALL|SUPER|FILE|RELOAD|PROCESS|SHUTDOWN|GRANT)\b/.test(grant)),
    ).toEqual(demanded);
  });
});

test('docs/reference/accounts.md says of every account what it may do, as the code does', () => {
  const page = read('docs/reference/accounts.md');
  for (const [engine, table] of Object.entries(accountTables())) {
    const start = `<!-- rights: ${engine} -->\n`;
    const from = page.indexOf(start) + start.length;
    expect(page.slice(from, page.indexOf('<!-- end -->', from)).trim(), engine).toBe(table);
  }
});
