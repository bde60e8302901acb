import { type Random, wholeBetween } from '@replication-lab/load-tests';
import { LabError } from '../errors.ts';
import { isDatabase, type LabRuntime, type PartName } from '../runtime.ts';
import { lookAt } from '../status/look-at.ts';
import { switchoverResult } from '../status/switchover.ts';
import { pause, waitFor } from '../wait.ts';
import type { BrokenParts } from './broken.ts';
import type { Cast } from './cast.ts';
import type { DrillLoad } from './load.ts';
import type { Actor, Condition, Step } from './types.ts';
import { COUNT_ERRANT, STOP_APPLYING, WRITE_ERRANT } from './words.ts';

/** What the steps of a trial act on. */
export interface Stage {
  readonly lab: LabRuntime;
  readonly load: DrillLoad;
  readonly broken: BrokenParts;
  readonly random: Random;
  readonly cast: Cast;
  readonly signal: AbortSignal;
  /** Undoes what is neither dead nor frozen nor late. */
  release: (() => Promise<void>)[];
  /** When the last part was mended by a step; undefined: none was. */
  mendedAtMs?: number;
}

const STOPPED_MS = 700;
const SWITCHED_WITHIN_MS = 35_000;
const LOOK_EVERY_MS = 10;

/** Carries out one step. Throws LabError when a wait comes to its deadline, Interrupted on abort. */
export async function perform(step: Step, stage: Stage): Promise<void> {
  const { broken, random, signal, lab } = stage;
  if ('until' in step) return wait(step.until, step.withinMs, stage);
  if (step.do === 'wait') {
    const ms = typeof step.ms === 'number' ? step.ms : wholeBetween(random, step.ms[0], step.ms[1]);
    return pause(ms, signal);
  }
  const part = who(step.who, stage);
  switch (step.do) {
    case 'kill':
      return broken.kill(part);
    case 'wipe':
      return lab.wipe(part);
    case 'freeze':
      return broken.freeze(part);
    case 'stop':
      return broken.terminate(part);
    case 'start':
      stage.mendedAtMs = performance.now();
      return broken.start(part, signal);
    case 'thaw':
      stage.mendedAtMs = performance.now();
      return broken.thaw(part);
    case 'lag':
      return broken.lag(part, step.seconds);
    case 'switchover': {
      const result = switchoverResult(
        await lab.orderSupervisors('/switchover', { to: part }, SWITCHED_WITHIN_MS),
      );
      if (result.ok) return;
      throw new LabError(result.code, `${part} did not become the primary: ${result.detail}`, null);
    }
    case 'detach':
      return lab.detach(part);
    case 'cut': {
      const named = step.from.flatMap((actor) => (actor === 'everybody' ? lab.parts : who(actor, stage)));
      const from = named.filter((other) => other !== part);
      return broken.cut(part, { from, direction: step.direction ?? 'both', share: step.share ?? 1 });
    }
    case 'reconnect':
      stage.mendedAtMs = performance.now();
      return broken.reconnect(part);
    case 'exhaust':
      stage.release.push(await lab.exhaustConnections(part));
      return;
    case 'write-errant':
      return writeErrant(lab, part);
    case 'set-clock':
      stage.release.push(() => lab.setClock(part, 0));
      return lab.setClock(part, step.seconds);
    case 'stall':
      stage.release.push(await lab.stallDisk(part));
      return;
    case 'stop-applying':
      await lab.queryAsAdmin(part, [STOP_APPLYING[lab.engine]]);
      return;
    case 'release':
      stage.mendedAtMs = performance.now();
      for (const release of stage.release.splice(0)) await release();
      return;
  }
}

async function writeErrant(lab: LabRuntime, part: PartName): Promise<void> {
  try {
    await lab.queryAsAdmin(part, WRITE_ERRANT[lab.engine]);
  } catch (error) {
    // Its standbys are closed to everybody.
    if (lab.engine !== 'postgres') throw error;
  }
}

/** A node that is being made anew does not answer. */
async function hasNoErrant(lab: LabRuntime): Promise<boolean> {
  const counts = await Promise.all(
    lab.parts.filter(isDatabase).map(async (node) => {
      const [rows] = await lab.queryAsAdmin(node, [COUNT_ERRANT]);
      return Number(rows?.[0]?.errant);
    }),
  ).catch(() => [1]);
  return counts.every((count) => count === 0);
}

function who(actor: Actor, { cast, load }: Stage): PartName {
  if (actor !== 'writing-node') return cast[actor];
  return load.newestAck?.node ?? cast.primary;
}

async function wait(condition: Condition, timeoutMs: number, stage: Stage): Promise<void> {
  const { load, signal, cast } = stage;
  const sinceMs = performance.now();
  const look = { timeoutMs, everyMs: LOOK_EVERY_MS, signal };
  const acked = () => (load.newestAck && load.newestAck.sentMs > sinceMs ? load.newestAck : null);
  switch (condition) {
    case 'writes-go-on':
      await waitFor(() => acked() !== null, { ...look, what: 'writes to be acknowledged again' });
      return;
    case 'another-node-writes':
      await waitFor(() => (acked()?.node ?? cast.primary) !== cast.primary, {
        ...look,
        what: 'another node to acknowledge writes',
      });
      return;
    case 'armed':
      await waitFor(async () => (await lookAt(stage.lab)).armed.ok, {
        ...look,
        ...{ everyMs: 100, what: 'the lab to be ready for another failover' },
      });
      return;
    case 'errant-gone':
      await waitFor(() => hasNoErrant(stage.lab), {
        ...look,
        ...{ everyMs: 250, what: 'what was written on a replica to be gone' },
      });
      return;
    case 'writes-stop':
      await waitFor(() => performance.now() - Math.max(sinceMs, load.newestAck?.endedMs ?? 0) > STOPPED_MS, {
        ...look,
        what: 'writes to be acknowledged no more',
      });
      return;
  }
}
