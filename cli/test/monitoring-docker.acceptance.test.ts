import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ComposeLab } from '../../services/agent/test/support/compose-lab.ts';
import { missingOf, sayNotRun, whyNot } from '../../services/agent/test/support/docker.ts';
import { repositoryRoot } from '../src/paths.ts';
import { waitFor } from '../src/wait.ts';
import { Notices } from './support/notices.ts';
import { AskedPrometheus } from './support/prometheus.ts';
import { WriteLoad } from './support/write-load.ts';

// `COMPOSE_PROFILES=ENGINE,quorum,monitoring docker compose up`, where the images of it are at hand. They are not fetched for this.

const ENGINE = 'mysql';
const DEADLINE_MS = 60_000;
const settings = parseEnv(readFileSync(join(repositoryRoot, '.env'), 'utf8'));
const { GRAFANA_IMAGE, PROMETHEUS_IMAGE, ALERTMANAGER_IMAGE } = settings as Record<string, string>;

const absent = await missingOf([PROMETHEUS_IMAGE!, ALERTMANAGER_IMAGE!]);
const reason = absent
  ? `the image ${absent} is not here`
  : await whyNot([settings.MYSQL_IMAGE!, settings.HAPROXY_IMAGE!, settings.NODE_IMAGE!]);
if (reason) sayNotRun('the docker lab with monitoring', reason);
const noGrafana = (await missingOf([GRAFANA_IMAGE!])) !== null;
if (noGrafana && !reason) sayNotRun('Grafana in the docker lab', `the image ${GRAFANA_IMAGE} is not here`);

describe.skipIf(reason)('the docker lab with monitoring', () => {
  let lab: ComposeLab;
  let prometheus: AskedPrometheus;
  let notices: Notices;

  beforeAll(async () => {
    lab = await ComposeLab.withMonitoring(ENGINE);
    prometheus = new AskedPrometheus(lab.prometheusUrl);
    notices = new Notices(new URL('/', lab.noticesUrl).href);
    await lab.ok(['build', '--quiet'], 600_000);
    const services = (await lab.ok(['config', '--services'])).stdout.trim().split('\n');
    await lab.up(services.filter((name) => name !== 'grafana' || !noGrafana));
  });
  afterAll(async () => lab?.downAndNothingLeft());

  const until = (what: string, check: () => Promise<boolean>) =>
    waitFor(check, { what, timeoutMs: DEADLINE_MS, everyMs: 300 });

  it('asks every part over verified links, and all is well', async () => {
    await until('all targets to answer', () => prometheus.everyPartAnswers(8));
    const inClearText = (await prometheus.asked()).filter((url) => url.startsWith('http:'));
    expect(inClearText.map((url) => new URL(url).port).sort()).toEqual(['8404', '9090']);
    await until('a supervisor that is armed', async () => {
      const [armed] = await prometheus.query('max(supervisor_armed)');
      return armed?.value[1] === '1';
    });
    expect(await prometheus.query('ALERTS{alertstate="firing"}')).toEqual([]);
    const ends = await prometheus.query('lab_certificate_end_timestamp_seconds > time()');
    expect(ends.length).toBe(21);
  });

  it('is out of reach of who gets into HAProxy', async () => {
    const address = await lab.backAddress('prometheus');
    const behind = ['prometheus/9090', `${address}/9090`, `${await lab.backAddress('alertmanager')}/9093`];
    expect(await lab.reached('haproxy', behind)).toEqual([]);
    expect(await lab.reached('catcher', behind.slice(1))).toEqual(behind.slice(1));
  });

  it('tells a person that the primary is gone and was replaced, and that it is back', async () => {
    const load = new WriteLoad(`${lab.baseUrl}/users`, 1);
    await load.acknowledgedMore(20);
    await lab.ok(['kill', '--signal', 'SIGKILL', lab.database('db-1')]);
    await notices.fired('ReplicaMissing', 'FailoverHappened');
    await load.acknowledgedMore(20);
    await until('reads to be counted', async () => {
      expect((await fetch(`${lab.baseUrl}/users?limit=1`)).status).toBe(200);
      return prometheus.hasAnswered('lab:reads_on_primary:ratio30s');
    });
    await load.stop();
    await lab.ok(['start', lab.database('db-1')]);
    await notices.resolved('ReplicaMissing');
  });

  it('has an answer for each question of the dashboard, after that', async () => {
    expect(await prometheus.unansweredOfDashboard()).toEqual([]);
  });

  it.skipIf(noGrafana)('shows the dashboard to whoever opens the page', async () => {
    const url = new URL('/api/dashboards/uid/replication-lab', lab.grafanaUrl);
    const { dashboard } = (await (await fetch(url)).json()) as { dashboard: { title: string } };
    expect(dashboard.title).toBe('Replication Lab');
  });
});
