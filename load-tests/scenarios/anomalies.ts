/**
 * What does reading replicas cost in consistency? One iteration is one session: it changes a row of its own, waits a
 * short random time, reads the row back, and reads it again. Only this session writes that row, so the versions alone
 * tell whether a read was older than the session's own write (read-your-writes) or older than its read before (monotonic
 * reads). One scenario for each level, all at the same time, each with rows of its own.
 *
 *   k6 run anomalies.ts -e BASE_URL=http://127.0.0.1:8080 -e LEVELS=eventual,session,primary -e RATE=20 -e DURATION_S=20
 */
import { sleep } from 'k6';
import exec from 'k6/execution';
import http from 'k6/http';
import { Counter, Trend } from 'k6/metrics';
import type { Options, Scenario } from 'k6/options';
import { common, number, text } from './lib/environment.ts';
import { checkSeeded } from './lib/load.ts';
import { logUniformMs, randomOf } from './lib/random.ts';
import { judgeSession, LEVELS, type Level, levelHeader, rowOfSession } from './lib/sessions.ts';

const sessions = new Counter('sessions');
const readYourWritesEligible = new Counter('ryw_eligible');
const readYourWritesViolations = new Counter('ryw_violations');
const monotonicReadsEligible = new Counter('mr_eligible');
const monotonicReadsViolations = new Counter('mr_violations');
const sessionReadMs = new Trend('session_read_ms', true);
const failed = new Counter('failed_requests');

const rate = number('RATE', 20);
const durationS = number('DURATION_S', 20);
const maxWaitMs = number('MAX_WAIT_MS', 500);
/** The textbook's fixed wait, for the level `delayed`. */
const delayedMs = number('DELAYED_MS', 500);
/** Runs that follow each other start at other rows. */
const rowOffset = number('ROW_OFFSET', 0);
const TIMEOUT = '10s';

const chosen = text('LEVELS', LEVELS.join(','))
  .split(',')
  .map((level): Level => {
    if (!(LEVELS as readonly string[]).includes(level)) throw new Error(`LEVELS: use ${LEVELS.join(',')}`);
    return level as Level;
  });

const scenarioOf = (level: Level): Scenario => ({
  executor: 'constant-arrival-rate',
  exec: 'session',
  rate: Math.max(1, Math.round(rate * 10)),
  timeUnit: '10s',
  duration: `${durationS}s`,
  preAllocatedVUs: Math.ceil(rate * 5) + 5,
  gracefulStop: '10s',
  env: { LEVEL: level },
  tags: { level },
});

export const options: Options = {
  scenarios: Object.fromEntries(chosen.map((level) => [level, scenarioOf(level)])),
  thresholds: { dropped_iterations: ['count==0'] },
  systemTags: ['status', 'method', 'name', 'scenario', 'error_code'],
};

export function session(): void {
  const level = text('LEVEL') as Level;
  const iteration = exec.scenario.iterationInTest;
  const random = randomOf(common.seed + LEVELS.indexOf(level), iteration);
  const id = rowOfSession(level, iteration, common.users, rowOffset);
  const url = `${common.baseUrl}/users/${id}`;

  const answer = http.patch(url, JSON.stringify({ email: `user${id}@example.test` }), {
    headers: { 'Content-Type': 'application/json' },
    timeout: TIMEOUT,
    tags: { name: 'session-write' },
  });
  sessions.add(1);
  if (answer.status !== 200) {
    failed.add(1, { kind: 'session-write', status: String(answer.status) });
    return; // no acknowledged write, nothing to judge
  }
  const written = answer.json('version') as number;
  let token = answer.headers['Consistency-Token'];
  sleep(logUniformMs(random, maxWaitMs) / 1000);

  const read = (): number | null => {
    const headers: Record<string, string> = { 'Consistency-Level': levelHeader(level, delayedMs, written) };
    if (level === 'session' && token !== undefined) headers['Consistency-Token'] = token;
    const response = http.get(url, { headers, timeout: TIMEOUT, tags: { name: 'session-read' } });
    if (response.status !== 200) {
      failed.add(1, { kind: 'session-read', status: String(response.status) });
      return null;
    }
    token = response.headers['Consistency-Token'] ?? token;
    const { blocked, duration } = response.timings;
    sessionReadMs.add(blocked + duration, { role: response.headers['Data-Role'] ?? 'unknown' });
    return response.json('version') as number;
  };

  const { readYourWrites, monotonicReads } = judgeSession({ written, reads: [read(), read()] });
  readYourWritesEligible.add(readYourWrites.eligible);
  readYourWritesViolations.add(readYourWrites.violations);
  monotonicReadsEligible.add(monotonicReads.eligible);
  monotonicReadsViolations.add(monotonicReads.violations);
}

export { summaryFiles as handleSummary } from './lib/summary.ts';
export { checkSeeded as setup };
