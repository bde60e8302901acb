import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type Site, writeAlertmanager, writePrometheus } from '../src/index.ts';

const source = fileURLToPath(new URL('../../../infra/monitoring', import.meta.url));
const site: Site = {
  host: (part) => `${part}.test`,
  speaksTls: (part) => part !== 'exporter',
  supervisors: ['supervisor-1'],
  haproxyPort: 8404,
};

let root: string;
let caFile: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'rl-monitoring-'));
  caFile = join(root, 'authority.pem');
  await writeFile(caFile, 'the authority');
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe('what Prometheus reads', () => {
  const directory = () => join(root, 'prometheus');
  const write = (supervisorToken: string) =>
    writePrometheus({ source, directory: directory(), caFile, site, supervisorToken, owner: null });
  const read = (name: string) => readFile(join(directory(), name), 'utf8');

  test('is whole: every file that its configuration names is there', async () => {
    const { global: _, ...config } = parse(await readFile(await write('token'), 'utf8'), { merge: true });
    const discovered = [
      ...config.scrape_configs.map((job: { job_name: string; file_sd_configs: [{ files: [string] }] }) => {
        expect(job.file_sd_configs[0].files).toEqual([`targets/${job.job_name}.json`]);
        return job.job_name;
      }),
      'alertmanager',
    ];
    const written = await readdir(join(directory(), 'targets'));
    expect(written.sort()).toEqual(discovered.map((job) => `${job}.json`).sort());
    expect((await readdir(join(directory(), 'rules'))).sort()).toEqual(['alerts.yml', 'recording.yml']);
    expect(await read('ca.pem')).toBe('the authority');
    expect(JSON.parse(await read('targets/api.json'))[1]).toEqual({
      targets: ['api-2.test:3000'],
      labels: { instance: 'api-2', __scheme__: 'https' },
    });
    expect(JSON.parse(await read('targets/lab.json'))).toEqual([
      {
        targets: ['lab-exporter.test:9100'],
        labels: { instance: 'lab-exporter', __scheme__: 'http' },
      },
    ]);
  });

  test('has the token for nobody else, and the newest one', async () => {
    await write('first');
    await write('second');
    expect(await read('supervisor-token')).toBe('second');
    expect((await stat(join(directory(), 'supervisor-token'))).mode & 0o777).toBe(0o600);
    expect((await readdir(directory())).filter((name) => name.endsWith('.new'))).toEqual([]);
  });
});

test('what Alertmanager reads says where alerts go, and leaves no word in capitals', async () => {
  const directory = join(root, 'alertmanager');
  const route = { mailHost: 'catcher:1025', mailTls: true, webhookUrl: 'https://catcher:8026/notices' };
  const text = await readFile(await writeAlertmanager({ source, directory, caFile, ...route }), 'utf8');
  const { global, receivers } = parse(text);
  expect(global).toMatchObject({ smtp_smarthost: 'catcher:1025', smtp_require_tls: true });
  expect(receivers[0].webhook_configs[0].url).toBe('https://catcher:8026/notices');
  expect(text.replace(/^#.*$/gm, '')).not.toMatch(/[A-Z]{3,}_/);
});
