import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

// infra/container/entrypoint.sh makes DB_NODES out of what docker-compose.yml can say.
const entrypoint = fileURLToPath(new URL('../../../infra/container/entrypoint.sh', import.meta.url));
const DB_HOSTS = 'db-1=172.28.0.11,db-2=172.28.0.12,db-3=172.28.0.13';

function nodes(env: Record<string, string>): string {
  const PATH = process.env.PATH ?? '';
  return execFileSync('sh', [entrypoint, 'sh', '-c', 'printf %s "$DB_NODES"'], {
    env: { PATH, ...env },
    encoding: 'utf8',
  });
}

test.each([
  ['mysql', 'replicated', 'db-1=172.28.0.11:3306,db-2=172.28.0.12:3306,db-3=172.28.0.13:3306'],
  ['mariadb', 'replicated', 'db-1=172.28.0.11:3306,db-2=172.28.0.12:3306,db-3=172.28.0.13:3306'],
  ['postgres', 'replicated', 'db-1=172.28.0.11:5432,db-2=172.28.0.12:5432,db-3=172.28.0.13:5432'],
  ['postgres', 'single', 'db-1=172.28.0.11:5432'],
])('%s, %s', (DB_ENGINE, TOPOLOGY, expected) => {
  expect(nodes({ DB_ENGINE, TOPOLOGY, DB_HOSTS })).toBe(expected);
});

test('leaves DB_NODES alone where somebody has set it', () => {
  expect(nodes({ DB_HOSTS, DB_NODES: 'db-9=10.0.0.9:3306' })).toBe('db-9=10.0.0.9:3306');
  expect(nodes({})).toBe('');
});
