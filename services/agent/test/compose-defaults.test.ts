import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { DEFAULT_DURABILITY } from '@replication-lab/engines/config';
import { describe, expect, test } from 'vitest';
import { repository } from './support/docker.ts';

// What `docker compose up` takes when nobody sets anything is written in three places: they must say the same.
const read = (path: string) => readFileSync(join(repository, path), 'utf8');
const file = parseEnv(read('.env'));

test('docker-compose.yml falls back to what .env says', () => {
  const fallbacks = [...read('docker-compose.yml').matchAll(/\$\{([A-Z0-9_]+):-([^}]*)\}/g)];
  expect(fallbacks.length).toBeGreaterThan(50);
  const differing = fallbacks.filter(([, name, fallback]) => name !== 'K6_USER' && file[name!] !== fallback);
  expect(differing.map(([text]) => text)).toEqual([]);
});

test('the durability is the one of all other parts', () => {
  expect(file.DURABILITY).toBe(DEFAULT_DURABILITY);
  expect(file.COMPOSE_PROFILES).toContain(`\${DURABILITY:-${DEFAULT_DURABILITY}}`);
});

describe('memory', () => {
  const mib = (name: string): number => Number(/^(\d+)m$/.exec(file[name] ?? '')?.[1]);
  const totalMib =
    3 * (mib('DB_MEMORY') + mib('HOST_MEMORY') + mib('API_MEMORY')) +
    2 * mib('SUPERVISOR_MEMORY') +
    mib('CATCHER_MEMORY') +
    mib('HAPROXY_MEMORY');

  const monitoringMib =
    mib('PROMETHEUS_MEMORY') +
    mib('ALERTMANAGER_MEMORY') +
    mib('GRAFANA_MEMORY') +
    mib('LAB_EXPORTER_MEMORY');

  test('all that runs may use less than 2,500 MB', () => {
    expect(totalMib * 2 ** 20).toBeLessThan(2500e6);
  });

  test.each(['.env', 'docs/reference/docker.md'])(
    '%s prints the true total, and that of monitoring',
    (path) => {
      for (const sum of [totalMib, monitoringMib]) {
        const [inMib, inMb] = [sum, (sum * 2 ** 20) / 1e6].map((n) => Math.round(n).toLocaleString('en'));
        expect(read(path)).toContain(`${inMib} MiB, which are ${inMb} MB`);
      }
    },
  );
});
