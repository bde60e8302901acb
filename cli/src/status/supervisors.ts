import { z } from 'zod';
import type { LabObservation, SupervisorSays } from './types.ts';

/** The answer of a supervisor's `GET /status` (services/supervisor/src/http.ts). */
const statusAnswer = z.object({
  phase: z.string(),
  primary: z.string().nullable(),
  epoch: z.number(),
  armed: z.object({ ok: z.boolean(), reasons: z.array(explained()) }),
  reasons: z.array(explained()),
});

function explained() {
  return z.object({ reason: z.string(), detail: z.string() });
}

/** Null for anything but a supervisor's answer. */
export function supervisorSays(answer: unknown): SupervisorSays | null {
  const parsed = statusAnswer.safeParse(answer);
  if (!parsed.success) return null;
  const { phase, armed, reasons } = parsed.data;
  const inWords = (list: readonly { reason: string; detail: string }[]) =>
    list.map(({ reason, detail }) => `${reason}: ${detail}`);
  return { phase, armed: armed.ok, unarmed: inWords(armed.reasons), reasons: inWords(reasons) };
}

/** Would a supervisor replace the primary if it died now? By the word of the one that acts. */
export function armedOf({
  topology,
  durability,
  supervisors,
}: Pick<LabObservation, 'topology' | 'durability' | 'supervisors'>): {
  ok: boolean;
  reasons: readonly string[];
} {
  const not = (...reasons: string[]) => ({ ok: false, reasons });
  if (topology === 'single') return not('topology single: there is no replica to promote');
  if (durability === 'async')
    return not(
      'DURABILITY=async: no supervisor watches this lab, a dead primary stays dead until ./lab heal',
    );
  const active = supervisors.find(({ says }) => says !== null && says.phase !== 'passive');
  if (!active) {
    const why = new Set(supervisors.flatMap(({ says }) => says?.reasons ?? []));
    return not('no supervisor acts', ...why);
  }
  const { phase, armed, unarmed, reasons } = active.says!;
  if (phase !== 'watching') return not(`${active.name} is ${phase}`, ...reasons);
  return { ok: armed, reasons: unarmed };
}
