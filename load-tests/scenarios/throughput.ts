/**
 * How much does it carry? The arrival rate rises past the knee and then holds. Beyond the knee all VUs are busy, k6 drops
 * what it cannot start (that is expected here), and what completes each second is the capacity.
 *
 *   k6 run throughput.ts -e BASE_URL=http://127.0.0.1:8080 -e TOP_RATE=200 -e RAMP_S=10 -e HOLD_S=20
 *
 * Read the plateau from the raw output (`--out json=raw.json.gz`), second by second: the rates of k6's own summary
 * include the ramp.
 */
import type { Options } from 'k6/options';
import { number } from './lib/environment.ts';
import { checkSeeded, oneRequest } from './lib/load.ts';

const vus = number('CONCURRENCY', 32);

export const options: Options = {
  scenarios: {
    throughput: {
      executor: 'ramping-arrival-rate',
      startRate: number('START_RATE', 5),
      timeUnit: '1s',
      preAllocatedVUs: vus,
      maxVUs: vus,
      stages: [
        { target: number('TOP_RATE', 200), duration: `${number('RAMP_S', 10)}s` },
        { target: number('TOP_RATE', 200), duration: `${number('HOLD_S', 20)}s` },
      ],
      gracefulStop: '10s',
    },
  },
  systemTags: ['status', 'method', 'name', 'scenario', 'error_code'],
  summaryTrendStats: ['min', 'avg', 'med', 'p(95)', 'p(99)', 'max', 'count'],
};

export { checkSeeded as setup };
export default oneRequest;
export { summaryFiles as handleSummary } from './lib/summary.ts';
