import { createRouter, type Router, type RouterOptions } from '../src/index.ts';
import {
  criterion,
  type Experiment,
  type ExperimentOptions,
  type ExperimentResult,
  evidence,
} from './experiment.ts';
import { armCluster, changePrimary, FAULTS, type Fault, type Roles, rejoin } from './failover-steps.ts';
import { type Audit, Writers } from './failover-writers.ts';
import { Random } from './random.ts';
import { asAdmin, caughtUp, openCluster, pause, REPLICAS, routerOptions } from './setup.ts';
import { describeCounts, median, milliseconds, quantile, wordCount } from './statistics.ts';

/** One holds writes back while there is no primary, as routers do by default; the other refuses them at once. */
const ROUTERS: readonly Partial<RouterOptions>[] = [{}, { primaryWaitMs: 0 }];
const DEFAULT_SECONDS = 180;
const LEAST_ROUNDS = 3;
/** Writing goes on undisturbed for so long between two rounds. */
const CALM_MS = { least: 500, most: 2_500 } as const;
/** After the opening, so long may the routers take to find the new primary before it counts as another outage. */
const AFTERMATH_MS = 5_000;

interface Round {
  readonly fault: Fault;
  readonly from: string;
  readonly to: string;
  /** From the fault until the successor was open. */
  readonly promotionMs: number;
  /** Without any acknowledged write. */
  readonly outageMs: number;
}

export const failover: Experiment = {
  name: 'failover',
  summary: 'writes while the primary is killed, frozen and replaced: none lost, none twice, none unreported',
  controls: ['async', 'repeat'],
  async run(options) {
    const { engine, seed, control, progress, signal } = options;
    const armed = control !== 'async';
    await using cluster = await openCluster(options);
    let roles: Roles = { primary: 'db-1', replicas: REPLICAS, epoch: 1 };
    if (armed) await armCluster(cluster, roles);
    await using routers = new AsyncDisposableStack();
    const several = ROUTERS.map((different) => routers.use(createRouter(routerOptions(cluster, different))));
    await Promise.all(several.map((router) => router.ready()));
    const writers = new Writers(several, engine, seed, control === 'repeat');
    const random = Random.of(seed, 1_000_000);
    const rounds: Round[] = [];
    const endMs = performance.now() + (options.seconds ?? DEFAULT_SECONDS) * 1_000;
    while (performance.now() < endMs && !signal.aborted) {
      await pause(CALM_MS.least + random.next() * (CALM_MS.most - CALM_MS.least), signal);
      const fault = FAULTS[rounds.length % FAULTS.length]!;
      const promotion = await changePrimary(cluster, roles, fault, armed);
      await rejoin(cluster, promotion, fault, armed);
      const { faultAtMs, openedAtMs } = promotion;
      const round: Round = {
        fault,
        from: roles.primary,
        to: promotion.roles.primary,
        promotionMs: openedAtMs - faultAtMs,
        outageMs: writers.outageMs(faultAtMs - 100, openedAtMs + AFTERMATH_MS),
      };
      rounds.push(round);
      progress(
        `round ${rounds.length}: ${fault}, ${round.from} to ${round.to} in ${milliseconds(round.promotionMs)} ms, no write for ${milliseconds(round.outageMs)} ms; ${writers.acknowledged} acknowledged`,
      );
      roles = promotion.roles;
    }
    await writers.stop();
    await checkRouters(several, roles.primary);
    await caughtUp(cluster, roles.primary, roles.replicas);
    const audits = new Map<string, Audit>();
    for (const node of [roles.primary, ...roles.replicas]) {
      audits.set(node, await asAdmin(cluster, node, (connection) => writers.audit(connection)));
    }
    return conclude(rounds, audits, writers, options);
  },
};

/** Every router agrees on who is the primary, or the experiment ends here. */
async function checkRouters(routers: readonly Router[], primary: string): Promise<void> {
  for (const router of routers) {
    const seen = router.topology().primary;
    if (seen !== primary) throw new Error(`a router takes ${seen} for the primary, which is ${primary}`);
  }
}

function conclude(
  rounds: readonly Round[],
  audits: ReadonlyMap<string, Audit>,
  writers: Writers,
  options: ExperimentOptions,
): ExperimentResult {
  const worst = (what: 'acknowledgedMissing' | 'refusedPresent' | 'duplicates' | 'strangers') =>
    Math.max(...[...audits.values()].map((audit) => audit[what]));
  const [audit] = audits.values();
  const { acknowledged, refused, unknown, unknownWritten } = audit!;
  const criteria = [
    criterion(
      'acknowledged and missing',
      '0 on every node',
      wordCount(worst('acknowledgedMissing'), acknowledged),
      worst('acknowledgedMissing') === 0,
    ),
    criterion(
      'reported as not written, and there',
      '0 on every node',
      wordCount(worst('refusedPresent'), refused),
      worst('refusedPresent') === 0,
    ),
    criterion(
      'rows that are there twice',
      '0 on every node',
      wordCount(worst('duplicates'), acknowledged + unknown),
      worst('duplicates') === 0,
    ),
    criterion(
      'unique violations of rows sent once',
      '0',
      `${writers.codes['statement: unique-violation'] ?? 0}`,
      (writers.codes['statement: unique-violation'] ?? 0) === 0,
    ),
    evidence('rows that nobody sent', '0', `${worst('strangers')}`, worst('strangers') === 0),
    evidence(
      'changes of the primary',
      `at least ${LEAST_ROUNDS}`,
      `${rounds.length}`,
      rounds.length >= LEAST_ROUNDS,
    ),
    evidence('acknowledged writes', 'some', `${acknowledged}`, acknowledged > 0),
  ];
  const notes = [
    `${acknowledged} acknowledged, ${refused} reported as not written, ${unknown} unknown (${unknownWritten} of those are there); ${options.control === 'async' ? 'no quorum' : 'each acknowledged by one replica'}`,
    `answers other than "written": ${describeCounts(writers.codes)}`,
    ...FAULTS.flatMap((fault) => {
      const some = rounds.filter((round) => round.fault === fault);
      if (some.length === 0) return [];
      return [
        `${fault}: ${some.length} times; until the successor was open ${spread(some.map(({ promotionMs }) => promotionMs))}; no acknowledged write for ${spread(some.map(({ outageMs }) => outageMs))}`,
      ];
    }),
    ...[...audits].flatMap(([node, { examples }]) => examples.map((example) => `${node}: ${example}`)),
  ];
  return { criteria, notes, figures: { rounds, audits: Object.fromEntries(audits), codes: writers.codes } };
}

const spread = (ms: readonly number[]): string =>
  `${[Math.min(...ms), median(ms)!, quantile(ms, 1)!].map(milliseconds).join(' / ')} ms (least / median / most)`;
