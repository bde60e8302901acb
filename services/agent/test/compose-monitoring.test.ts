import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SUPERVISOR_NAMES } from '@replication-lab/engines/config';
import {
  ALERTMANAGER,
  GRAFANA,
  KEEP,
  LAB_EXPORTER,
  MONITOR_PORTS,
  MONITORING,
  PROMETHEUS,
  targetsAt,
} from '@replication-lab/monitoring';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { readEnds, writeEnds } from '../src/certificate-ends.ts';
import { dockerSite } from '../src/docker-site.ts';
import { repository } from './support/docker.ts';

// What docker-compose.yml must say for what the generator of packages/monitoring writes to be true of this lab.

const names = z.union([z.array(z.string()), z.record(z.string(), z.unknown()).transform(Object.keys)]);
const service = z.object({
  profiles: z.array(z.string()).default([]),
  command: z.array(z.string()).default([]),
  ports: z.array(z.string()).default([]),
  networks: names.default([]),
  volumes: z.array(z.string()).default([]),
  environment: z.record(z.string(), z.string()).default({}),
});
const file = parse(readFileSync(join(repository, 'docker-compose.yml'), 'utf8'), {
  merge: true,
  maxAliasCount: -1,
});
const services = z.record(z.string(), service).parse(file.services);
const of = (name: string) => services[name]!;
const ADDRESS = `\${NET_PREFIX:-172.28.0}.21`;

describe('the profile monitoring', () => {
  test('is Prometheus, Alertmanager, Grafana, the exporter, whoever writes their files, and the catcher', () => {
    const inProfile = Object.entries(services).filter(([, { profiles }]) => profiles.includes(MONITORING));
    expect(inProfile.map(([name]) => name).sort()).toEqual(
      [ALERTMANAGER, 'catcher', GRAFANA, LAB_EXPORTER, MONITORING, PROMETHEUS].sort(),
    );
  });

  test('shares a network with everybody whom Prometheus asks, and calls them by a name that is there', () => {
    const jobs = targetsAt(dockerSite(ADDRESS, SUPERVISOR_NAMES));
    const targets = Object.values(jobs).flat();
    expect(targets).toHaveLength(9);
    for (const { targets: addresses, labels } of targets) {
      const [host] = addresses[0]!.split(/:(?=\d+$)/);
      if (labels.instance === PROMETHEUS) expect(host).toBe(ADDRESS);
      else expect(host).toBe(labels.instance);
      const shared = of(labels.instance).networks.filter((name) => of(PROMETHEUS).networks.includes(name));
      // One only: a name has one address then.
      if (labels.instance !== PROMETHEUS) expect(shared, labels.instance).toHaveLength(1);
    }
  });

  test('has Prometheus listen where it is asked, on the back network alone, and keep what it keeps natively', () => {
    const { command } = of(PROMETHEUS);
    expect(command).toEqual(expect.arrayContaining([...KEEP]));
    expect(command).toContain(`--web.listen-address=${ADDRESS}:${MONITOR_PORTS[PROMETHEUS]}`);
    expect(of(MONITORING).environment.PROMETHEUS_ADDRESS).toBe(ADDRESS);
    expect(file.services[PROMETHEUS].networks.lab).toEqual({ ipv4_address: ADDRESS });
    expect(file.networks.metrics).toEqual({ internal: true });
    expect(of('haproxy').environment.STATS_BIND).toBe(':8404');
  });

  test.each([PROMETHEUS, ALERTMANAGER] as const)('publishes the port of %s', (name) => {
    expect(of(name).ports[0]).toMatch(new RegExp(`:${MONITOR_PORTS[name]}$`));
  });

  test('gives Grafana the dashboard and the sources that everybody gets', () => {
    const { environment, volumes } = of(GRAFANA);
    expect(environment.PROMETHEUS_URL).toBe(`http://${PROMETHEUS}:${MONITOR_PORTS[PROMETHEUS]}`);
    expect(volumes).toContain(`./infra/monitoring/grafana/dashboards:${environment.DASHBOARDS}:ro`);
    expect(volumes).toContain('./infra/monitoring/grafana/provisioning:/etc/grafana/provisioning:ro');
  });
});

test('the ends of certificates are what was written, and nothing where nothing was', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'rl-ends-'));
  try {
    await expect(readEnds(directory)).rejects.toThrow(/ENOENT/);
    const at = new Date('2026-12-01T00:00:00Z');
    const listed = { commonName: 'x', addresses: [], end: null };
    await writeEnds(directory, [
      { ...listed, file: 'proxy/server.pem', writtenEnd: at },
      { ...listed, file: 'services/api-1/server.pem', writtenEnd: null },
    ]);
    expect(await readEnds(directory)).toEqual([
      { file: 'proxy/server.pem', writtenEnd: at },
      { file: 'services/api-1/server.pem', writtenEnd: null },
    ]);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
