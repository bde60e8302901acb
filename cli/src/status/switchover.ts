import { z } from 'zod';
import type { SupervisorAnswers } from '../runtime.ts';

/** The answers of a supervisor's `POST /switchover` (services/supervisor/src/http.ts). */
const done = z.object({ from: z.string(), to: z.string(), epoch: z.number(), closedMs: z.number() });
const refused = z.object({ code: z.string(), detail: z.string() });

export type SwitchoverResult =
  | ({ readonly ok: true; readonly by: string } & z.infer<typeof done>)
  /** `by`: null where none of them acts, or the one that acted gave no answer. */
  | ({ readonly ok: false; readonly by: string | null } & z.infer<typeof refused>);

/** What came of it, by the word of the supervisor that acts: the others only say that they do not. */
export function switchoverResult(answers: SupervisorAnswers): SwitchoverResult {
  let silent: string[] = [];
  for (const [name, answer] of Object.entries(answers)) {
    const success = done.safeParse(answer?.body);
    if (answer?.status === 200 && success.success) return { ok: true, by: name, ...success.data };
    const refusal = refused.safeParse(answer?.body);
    if (refusal.success && refusal.data.code !== 'not-acting')
      return { ok: false, by: name, ...refusal.data };
    if (!refusal.success) silent = [...silent, name];
  }
  if (silent.length > 0) {
    const detail = `${silent.join(', ')} gave no answer: it may be going on, done, or undone`;
    return { ok: false, by: null, code: 'no-answer', detail };
  }
  return { ok: false, by: null, code: 'not-acting', detail: 'no supervisor acts' };
}

const MENDS: Readonly<Record<string, string>> = {
  'not-acting': './lab status says why; ./lab heal starts what is down',
  'no-answer': './lab status tells who is the primary; ./lab events what was done',
  'unknown-node': './lab status names the nodes',
  'already-primary': 'nothing is to be done',
  'voter-silent': './lab heal brings it back',
  'not-armed': './lab status says why; ./lab heal',
  busy: 'wait until ./lab status says that failover is armed',
  lagging: 'when there is less to write, or ./lab heal where a fault delays a replica',
  'not-ready': './lab status; ./lab heal',
  'writes-under-way': 'end the long transactions on the primary, and try again',
  unauthorised: 'SUPERVISOR_TOKEN in the environment has to be the one that the lab was brought up with',
};

/** What the person at the keyboard can do about it. */
export const mendOf = (code: string): string => MENDS[code] ?? './lab events shows what was done, and why';
