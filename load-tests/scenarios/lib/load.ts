import exec from 'k6/execution';
import http, { type RefinedResponse } from 'k6/http';
import { Counter, Trend } from 'k6/metrics';
import { common, number } from './environment.ts';
import { DEFAULT_MIX, type Mix, type Operation, operationOf, pathOf } from './mix.ts';
import { randomOf } from './random.ts';
import { SEARCHES } from './searches.ts';

/** One point a successful request, in ms, timed from the moment k6 wanted to send it: waiting for a connection counts. */
const readMs = new Trend('read_ms', true);
const writeMs = new Trend('write_ms', true);
const failed = new Counter('failed_requests');

const mix: Mix = {
  users: common.users,
  writes: number('WRITE_SHARE', DEFAULT_MIX.writes),
  searches: number('SEARCH_SHARE', DEFAULT_MIX.searches),
};

const HEADERS = { 'Consistency-Level': 'eventual', 'Content-Type': 'application/json' };
const TIMEOUT = '10s';

/** One iteration of the default load: 95 % reads at level `eventual`, 5 % writes. */
export function oneRequest(): void {
  const iteration = exec.scenario.iterationInTest;
  const operation = operationOf(iteration, randomOf(common.seed, iteration), mix, SEARCHES);
  const response = send(operation);
  if (response.status !== 200) {
    failed.add(1, { kind: operation.kind, status: String(response.status) });
    return;
  }
  const { blocked, duration } = response.timings;
  if (operation.kind === 'write') writeMs.add(blocked + duration);
  else readMs.add(blocked + duration, { kind: operation.kind });
}

function send(operation: Operation): RefinedResponse<'none'> {
  const url = common.baseUrl + pathOf(operation);
  const params = {
    headers: HEADERS,
    timeout: TIMEOUT,
    responseType: 'none' as const,
    tags: { name: operation.kind },
  };
  if (operation.kind !== 'write') return http.get(url, params);
  // The address a seeded user has already: a real update (version, time) that leaves what searches find, and so what
  // they cost, as it was.
  return http.patch(url, JSON.stringify({ email: `user${operation.id}@example.test` }), params);
}

/** Fails the run at once, in words, when the users are not there. For k6's `setup`. */
export function checkSeeded(): void {
  for (const id of [1, common.users]) {
    const response = http.get(`${common.baseUrl}/users/${id}`, { responseType: 'none', timeout: TIMEOUT });
    if (response.status !== 200) {
      exec.test.abort(
        `GET /users/${id} answered ${response.status || response.error}: seed ${common.users} users first`,
      );
    }
  }
}
