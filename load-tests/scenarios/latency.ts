/**
 * How long does a read take at a given load? Requests start on a fixed tick, whatever the answers do (an open model). A
 * dropped iteration means that the load was not offered as promised: the run then says nothing about latency.
 *
 *   k6 run latency.ts -e BASE_URL=http://127.0.0.1:8080 -e RATE=20 -e DURATION_S=30
 */
import type { Options } from 'k6/options';
import { number } from './lib/environment.ts';
import { checkSeeded, oneRequest } from './lib/load.ts';

const rate = number('RATE', 20);

export const options: Options = {
  scenarios: {
    latency: {
      executor: 'constant-arrival-rate',
      // k6 takes whole numbers only: tenths of a request a second.
      rate: Math.max(1, Math.round(rate * 10)),
      timeUnit: '10s',
      duration: `${number('DURATION_S', 30)}s`,
      // Five seconds' worth of requests under way at once.
      preAllocatedVUs: Math.ceil(rate * 5) + 5,
      gracefulStop: '10s',
    },
  },
  thresholds: { dropped_iterations: ['count==0'] },
  systemTags: ['status', 'method', 'name', 'scenario', 'error_code'],
  summaryTrendStats: ['min', 'avg', 'med', 'p(95)', 'p(99)', 'max', 'count'],
};

export { checkSeeded as setup };
export default oneRequest;
export { summaryFiles as handleSummary } from './lib/summary.ts';
