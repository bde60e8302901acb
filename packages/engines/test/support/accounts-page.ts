import { accountsFrom } from '../../src/config.ts';
import { rightsOf as mariadbRights } from '../../src/mariadb/rights.ts';
import { rightsOf as mysqlRights } from '../../src/mysql/rights.ts';
import { DATABASE_NAME } from '../../src/names.ts';
import { rightsOf as postgresRights } from '../../src/postgres/rights.ts';
import { ACCOUNT_NAMES, type Rights } from '../../src/rights.ts';
import type { EngineName } from '../../src/types.ts';

/** The tables of docs/reference/accounts.md, one an engine, as the code has them. */
export function accountTables(): Readonly<Record<EngineName, string>> {
  return {
    mysql: tableOf(mysqlRights(DATABASE_NAME)),
    mariadb: tableOf(mariadbRights(DATABASE_NAME)),
    postgres: tableOf(postgresRights(DATABASE_NAME, { since16: true })),
  };
}

function tableOf(rights: Rights): string {
  const rows = ACCOUNT_NAMES.flatMap((name) =>
    rights[name].map(({ grants, why }, i) => {
      const texts = grants.map((grant) => `\`${grant.replaceAll(/[`"]/g, '')}\``);
      return `| ${i === 0 ? `\`${userOf(name)}\`` : ''} | ${texts.join('<br>')} | ${why} |`;
    }),
  );
  return ['| account | may | what for |', '|---|---|---|', ...rows].join('\n');
}

function userOf(name: keyof Rights): string {
  if (name === 'replication') return 'repl_db_N';
  const none = {
    DB_ADMIN_PASSWORD: '',
    DB_SUPERVISOR_PASSWORD: '',
    DB_MONITOR_PASSWORD: '',
    DB_REPLICATION_PASSWORD: '',
  };
  return accountsFrom({ ...none, DB_ENGINE: 'mysql', DB_APP_PASSWORD: '', DB_APP_READ_ONLY_PASSWORD: '' })[
    name
  ].user;
}
