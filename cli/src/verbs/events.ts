import { Option } from 'commander';
import { LabError } from '../errors.ts';
import { openRuntime } from '../open-runtime.ts';
import { stateDirectory } from '../paths.ts';
import type { LabRuntime } from '../runtime.ts';
import { requireState } from '../state.ts';
import {
  type EventCursor,
  type EventsRead,
  eventsPath,
  type LabEvent,
  readEvents,
} from '../status/events.ts';
import { defineVerb, exitCode, type VerbContext } from '../verb.ts';
import { pause } from '../wait.ts';

const FOLLOW_EVERY_MS = 500;

export const events = defineVerb<{ follow?: boolean }>({
  name: 'events',
  summary: 'what the supervisors did and why: each step of a failover with its time',
  details:
    'Merges what all supervisors kept in memory, by time (UTC). With --json and --follow: one JSON document an event.',
  options: [new Option('-f, --follow', 'go on with what comes, until Ctrl-C')],
  printsData: true,
  async run(context) {
    const { out, json, options } = context;
    const stateDir = stateDirectory();
    const lab = openRuntime(stateDir, await requireState(stateDir));
    const { cursor, supervisors, events: found } = await read(lab, {});
    for (const { name, answered, missed } of supervisors) {
      if (!answered) out.warn(`${name} does not answer: its events are not here (./lab logs ${name})`);
      if (missed > 0) out.warn(`${name} has forgotten its first ${missed} events (./lab logs ${name})`);
    }
    if (json && !options.follow) out.json({ supervisors, events: found });
    else print(found, context);
    if (options.follow) await follow(lab, cursor, context);
    return exitCode.done;
  },
});

async function read(lab: LabRuntime, cursor: EventCursor): Promise<EventsRead> {
  const answers = await lab.askSupervisors((name) => eventsPath(cursor, name));
  if (Object.keys(answers).length === 0)
    throw new LabError(
      'no-supervisors',
      'no supervisor watches this lab: there are no events',
      './lab up --topology replicated --durability quorum',
    );
  const found = readEvents(answers, cursor);
  if (!found.supervisors.some(({ answered }) => answered) && Object.keys(cursor).length === 0)
    throw new LabError(
      'no-answer',
      `none of ${Object.keys(answers).join(', ')} answers`,
      './lab heal starts what is down; ./lab logs supervisor-1 supervisor-2',
    );
  return found;
}

/** Until Ctrl-C. A supervisor that is away is asked again and again. */
async function follow(lab: LabRuntime, from: EventCursor, context: VerbContext<object>): Promise<void> {
  let cursor = from;
  while (!context.signal.aborted) {
    await pause(FOLLOW_EVERY_MS, context.signal).catch(() => {});
    if (context.signal.aborted) return;
    const found = await read(lab, cursor);
    print(found.events, context);
    cursor = found.cursor;
  }
}

function print(events: readonly LabEvent[], { out, json }: VerbContext<object>): void {
  for (const event of events) {
    if (json) out.json(event);
    else out.line(`${event.at}  ${event.supervisor}  ${event.text}`);
  }
}
