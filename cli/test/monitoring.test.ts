import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderFigures } from '@replication-lab/monitoring';
import { describe, expect, it } from 'vitest';
import { statusAfter } from '../src/native/backup-status.ts';
import { planNative } from '../src/native/layout.ts';
import { targetsOf } from '../src/native/monitoring.ts';
import { repositoryRoot } from '../src/paths.ts';
import { HTTPS_PARTS } from '../src/state.ts';
import { readDashboard } from './support/dashboard.ts';

const read = (path: string) => readFileSync(join(repositoryRoot, path), 'utf8');

describe('alerts', () => {
  const rules = read('infra/monitoring/rules/alerts.yml');
  const names = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name!);
  const headings = [...read('docs/guides/monitoring.md').matchAll(/^### (\w+)$/gm)].map(([, name]) => name!);

  it('each has its heading in the guide, links to it, and is tested', () => {
    expect(names.length).toBeGreaterThan(8);
    expect(headings.toSorted()).toEqual(names.toSorted());
    const links = [...rules.matchAll(/runbook_url: docs\/guides\/monitoring\.md#(\w+)/g)].map(([, id]) => id);
    expect(links).toEqual(names.map((name) => name.toLowerCase()));
    const tests = read('infra/monitoring/rules.test.yml');
    for (const name of names) {
      expect(tests.match(new RegExp(`alertname: ${name} `)), `${name} must not fire`).not.toBeNull();
      expect(tests, `${name} must fire`).toMatch(new RegExp(`alertname: ${name}\\n\\s+exp_alerts`));
    }
  });
});

describe('what Prometheus asks', () => {
  const plan = (durability: 'quorum' | 'async') => ({
    ...planNative('/state', {
      ...{ engine: 'postgres', topology: 'replicated', durability },
      ...{
        httpPort: 8080,
        statsPort: 8404,
        httpsPort: 8443,
        loopback: '127.7',
        certificates: true,
        https: [...HTTPS_PARTS],
      },
    }),
    // There is no certificate at /state.
    https: HTTPS_PARTS,
  });

  it('is every part of the lab, by its name', () => {
    const targets = targetsOf(plan('quorum'));
    expect(targets.api[2]).toEqual({
      targets: ['127.7.20.3:3000'],
      labels: { instance: 'api-3', __scheme__: 'https' },
    });
    expect(targets.supervisor.map(({ labels }) => labels.instance)).toEqual(['supervisor-1', 'supervisor-2']);
    expect(targets.alertmanager).toEqual([
      { targets: ['127.7.50.2:9093'], labels: { instance: 'alertmanager', __scheme__: 'http' } },
    ]);
  });

  it('is no supervisor where there is none', () => {
    expect(targetsOf(plan('async')).supervisor).toEqual([]);
  });
});

describe('what the lab measures of itself', () => {
  const disk = { freeBytes: 5, sizeBytes: 100 };

  it('leaves out what is unknown, and tells of a certificate that is not there', () => {
    const text = renderFigures({
      certificates: [
        { file: 'proxy/server.pem', writtenEnd: new Date(5000) },
        { file: 'nodes/db-1/server.pem', writtenEnd: null },
      ],
      backup: null,
      disk,
    });
    expect(text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))).toEqual([
      'lab_certificate_end_timestamp_seconds{file="proxy/server.pem"} 5',
      'lab_certificate_end_timestamp_seconds{file="nodes/db-1/server.pem"} 0',
      'lab_disk_free_bytes 5',
      'lab_disk_size_bytes 100',
    ]);
  });

  it('tells of an attempt that failed, and of the backup before it', () => {
    const backup = statusAfter(
      { ...FIRST, lastProvenAt: new Date(7000).toISOString() },
      { engine: 'mariadb', startedMs: 9000, proved: null },
    );
    const text = renderFigures({ certificates: [], backup, disk });
    expect(text).toContain('\nlab_backup_proven_timestamp_seconds 7\n');
    expect(text).toContain('\nlab_backup_failed 1\n');
  });
});

const FIRST = {
  engine: 'mariadb',
  lastAttemptAt: new Date(6000).toISOString(),
  lastOutcome: 'proved',
  bytes: 1,
  node: 'db-2',
} as const;

describe('the dashboard', () => {
  it('has panels that ask something and do not lie upon each other', async () => {
    const { panels } = await readDashboard();
    for (const { title, type, targets = [] } of panels)
      expect(targets.length > 0, title).toBe(type !== 'row');
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(Math.max(...panels.map(({ gridPos: { x, w } }) => x + w))).toBe(24);
  });
});
