import { LIMITS } from '@replication-lab/supervisor/limits';
import type { Step } from './types.ts';

/** For so long after a promotion silence alone deposes nobody (`LIMITS.calmMs` of the supervisor): another case than the usual one. */
export const CALM_MS = LIMITS.calmMs + 500;

/** Long enough for a supervisor that was wrongly alarmed to act. */
export const WATCHED: Step = { do: 'wait', ms: 3_000 };
export const ANOTHER: Step = { until: 'another-node-writes', withinMs: 20_000 };
export const GOES_ON: Step = { until: 'writes-go-on', withinMs: 30_000 };
export const AFTERWARDS: Step = { do: 'wait', ms: 700 };
