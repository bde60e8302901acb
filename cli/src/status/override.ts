import { z } from 'zod';
import { LabError } from '../errors.ts';
import type { SupervisorAnswers } from '../runtime.ts';

/** The answers of a supervisor's `POST /failover` (services/supervisor/src/http.ts). */
const done = z.object({ to: z.string(), epoch: z.number(), givenUp: z.array(z.string()), loss: z.string() });
const refused = z.object({ code: z.string(), detail: z.string() });

export type OverrideResult = z.infer<typeof done> & { readonly by: string };

const MENDS: Readonly<Record<string, string>> = {
  'no-supervisors': './lab up --topology replicated --durability quorum',
  'supervisor-silent': './lab heal starts it; it may see a node that the others do not',
  'unknown-node': './lab status names the nodes',
  'node-silent': './lab heal NODE, and ask again',
  'primary-alive': './lab status; to change the primary on purpose: ./lab switchover',
  'another-answers': './lab status says what the supervisors wait for',
  'too-soon': 'wait some seconds, and ask again',
  unfounded: './lab up opens the first primary',
};

const problem = (by: string, code: string, detail: string): LabError =>
  new LabError(code, `${by}: ${detail}`, MENDS[code] ?? './lab events shows what was done, and why');

/**
 * What may be lost, by the word of every supervisor. All have to be asked, because one of them may see a node that the others do
 * not: LabError with the refusal of the first that disagrees, `supervisor-silent` where one says nothing.
 */
export function whatMayBeLost(answers: SupervisorAnswers): string[] {
  const entries = Object.entries(answers);
  if (entries.length === 0) throw problem('the lab', 'no-supervisors', 'no supervisor watches it');
  const parsed = entries.map(([by, answer]) => ({ by, says: refused.safeParse(answer?.body) }));
  for (const { by, says } of parsed)
    if (says.success && says.data.code !== 'data-may-be-lost')
      throw problem(by, says.data.code, says.data.detail);
  return parsed.map(({ by, says }) => {
    if (!says.success) throw problem(by, 'supervisor-silent', 'it gives no answer, and may know better');
    return `${by}: ${says.data.detail}`;
  });
}

/** What came of the order. LabError of the supervisor that could have carried it out. */
export function overrideResult(answers: SupervisorAnswers): OverrideResult {
  let why: LabError | null = null;
  for (const [by, answer] of Object.entries(answers)) {
    const success = done.safeParse(answer?.body);
    if (answer?.status === 200 && success.success) return { ...success.data, by };
    const refusal = refused.safeParse(answer?.body);
    if (refusal.success && (why === null || refusal.data.code !== 'lock-not-held'))
      why = problem(by, refusal.data.code, refusal.data.detail);
  }
  throw why ?? problem('the supervisors', 'no-answer', 'none of them answered: it may have been done');
}
