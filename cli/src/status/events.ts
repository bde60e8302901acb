import type { EventPage } from '@replication-lab/supervisor';
import { z } from 'zod';

/** The answer of a supervisor's `GET /events`; of the events only what all kinds have. */
const eventPage = z.object({
  bootId: z.string(),
  next: z.int(),
  missed: z.int(),
  events: z.array(z.looseObject({ seq: z.int(), at: z.string(), what: z.string(), text: z.string() })),
}) satisfies z.ZodType<Omit<EventPage, 'name' | 'events'>>;

export type LabEvent = z.infer<typeof eventPage>['events'][number] & { readonly supervisor: string };

/** How far each supervisor's events have been read, in which life of its process. */
export type EventCursor = Readonly<Record<string, { readonly bootId: string; readonly next: number }>>;

export interface EventsRead {
  /** By time; of the same moment, as each supervisor told them. */
  readonly events: readonly LabEvent[];
  readonly supervisors: readonly {
    readonly name: string;
    readonly answered: boolean;
    readonly bootId: string | null;
    /** Events that the supervisor had forgotten before they were read. */
    readonly missed: number;
  }[];
  readonly cursor: EventCursor;
}

/** What to ask a supervisor for: all that came after what was read. */
export const eventsPath = (cursor: EventCursor, name: string): string =>
  `/events?after=${cursor[name]?.next ?? 0}`;

/**
 * Merges what the supervisors answered to `eventsPath`. One that began a new life counts anew: nothing of its answer is
 * taken, and the returned cursor asks for all of it the next time.
 */
export function readEvents(answers: Readonly<Record<string, unknown>>, before: EventCursor): EventsRead {
  const cursor: Record<string, { bootId: string; next: number }> = { ...before };
  const events: LabEvent[] = [];
  const supervisors: EventsRead['supervisors'][number][] = [];
  for (const [name, answer] of Object.entries(answers)) {
    const page = eventPage.safeParse(answer).data;
    supervisors.push({
      name,
      answered: page !== undefined,
      bootId: page?.bootId ?? null,
      missed: page?.missed ?? 0,
    });
    if (!page) continue;
    const known = before[name];
    if (known && known.bootId !== page.bootId) {
      delete cursor[name];
      continue;
    }
    cursor[name] = { bootId: page.bootId, next: page.next };
    events.push(...page.events.map((event) => ({ supervisor: name, ...event })));
  }
  // The sort is stable: of one moment, each supervisor's own order stays.
  events.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  return { events, supervisors, cursor };
}
