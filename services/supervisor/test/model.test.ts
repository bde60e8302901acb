import { describe, expect, it } from 'vitest';
import { Model, TURN_MS } from './model.ts';

/** xorshift: the same history for the same seed. */
function randomOf(seed: number): () => number {
  let x = seed * 2_654_435_761 + 1;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) / 2 ** 32;
  };
}

const TURNS = 1_500;
const SEEDS = 80;
/** More than one failure at a time is refused, not survived: nothing may be lost by it all the same. */
const MOST_TROUBLES = 2;

/** Something goes wrong with the databases, again and again, and is mended after a while. */
function play(seed: number, forgetsReceived: boolean): Model {
  const random = randomOf(seed);
  const model = new Model(random, { forgetsReceived });
  const mends = new Set<ReturnType<typeof trouble>>();
  for (let turn = 0; turn < TURNS; turn++) {
    for (const mend of mends) {
      if (turn < mend.atTurn) continue;
      mend.how();
      mends.delete(mend);
    }
    const chance = mends.size === 0 ? 0.01 : 0.001;
    if (mends.size < MOST_TROUBLES && random() < chance) mends.add(trouble(model, turn, random));
    if (random() < 0.004) disturb(model, random);
    if (random() < 0.004) model.wish(`db-${1 + Math.floor(random() * 3)}`);
    model.turn();
  }
  return model;
}

function trouble(model: Model, turn: number, random: () => number, who?: string) {
  const primary = model.primary?.name ?? 'db-1';
  const name = who ?? (random() < 0.7 ? primary : `db-${1 + Math.floor(random() * 3)}`);
  const node = model.node(name);
  const atTurn = turn + Math.floor(random() * 400);
  if (random() < 0.5) {
    node.up = false;
    const fate = random();
    // Lost with its data; a supervisor has it made anew.
    if (fate < 0.2) node.wipe();
    // With its own data, as it was; or made anew, where somebody else is the primary by then.
    return { atTurn, how: () => (random() < 0.5 ? node.boot() : model.rebuild(name)) };
  }
  if (random() < 0.3) {
    node.stalledSinceMs = model.nowMs;
    return { atTurn, how: () => (node.stalledSinceMs = null) };
  }
  node.frozen = true;
  return {
    atTurn,
    how: () => {
      node.frozen = false;
      if (random() < 0.5 && model.primary !== node) model.rebuild(name);
    },
  };
}

/** Of the supervisors one may freeze, or end and come back at any moment, with orders of its own on their way. */
function disturb(model: Model, random: () => number): void {
  const supervisor = model.supervisors[Math.floor(random() * 2)]!;
  if (random() < 0.3) model.restart(supervisor);
  supervisor.frozenUntilMs = model.nowMs + Math.floor(random() * 4_000);
}

/** Only supervisors fail, at any moment of the changes that are wished for. */
function playWishes(seed: number): Model {
  const random = randomOf(seed);
  const model = new Model(random);
  for (let turn = 0; turn < TURNS; turn++) {
    if (random() < 0.004) disturb(model, random);
    if (random() < 0.01) model.wish(`db-${1 + Math.floor(random() * 3)}`);
    model.turn();
  }
  return model;
}

/** Two nodes at a time are away for long, and a person gives them up, right or wrong: some of them are only frozen. */
function playOverrides(seed: number, forgetsReceived: boolean): Model {
  const random = randomOf(seed);
  const model = new Model(random, { forgetsReceived });
  const mends = new Set<ReturnType<typeof trouble>>();
  for (let turn = 0; turn < 2 * TURNS; turn++) {
    for (const mend of mends) {
      if (turn < mend.atTurn) continue;
      mend.how();
      mends.delete(mend);
    }
    if (mends.size === 0 && random() < 0.01) {
      for (const name of ['db-1', 'db-2', 'db-3'].toSorted(() => random() - 0.5).slice(1)) {
        const one = trouble(model, turn, random, name);
        mends.add({ ...one, atTurn: one.atTurn + 550 });
      }
    }
    if (random() < 0.002) disturb(model, random);
    if (random() < 0.02) model.overrule(`db-${1 + Math.floor(random() * 3)}`);
    model.turn();
  }
  return model;
}

describe('two supervisors, three databases, and whatever may go wrong', () => {
  it.each([
    { how: 'that keep', forgetsReceived: false },
    { how: 'that forget', forgetsReceived: true },
  ])(
    `servers $how what they received: none is opened that lacks an acknowledged commit, in ${SEEDS} histories of ${(TURNS * TURN_MS) / 1000} s`,
    ({ forgetsReceived }) => {
      let promotions = 0;
      let reopened = 0;
      let switchovers = 0;
      let grays = 0;
      let acknowledged = 0;
      for (let seed = 1; seed <= SEEDS; seed++) {
        const model = play(seed, forgetsReceived);
        reopened += model.reopened;
        grays += model.grays;
        promotions += model.promotions;
        switchovers += model.switchovers;
        acknowledged += model.acknowledged.length;
      }
      console.log(
        `${SEEDS} histories: ${promotions} promotions (${switchovers} wished for, ${reopened} of the same node, ${grays} of nodes that could not write), ${acknowledged} acknowledged commits, 0 lost`,
      );
      expect(promotions).toBeGreaterThan(SEEDS / 4);
      expect(grays).toBeGreaterThan(5);
      expect(switchovers).toBeGreaterThan(SEEDS / 8);
    },
  );

  it.each([false, true])(
    'a person gives up two nodes: never do two acknowledge, and from then on nothing is lost (forgetful: %s)',
    (forgetsReceived) => {
      let founded = 0;
      let promotions = 0;
      let lost = 0;
      for (let seed = 1; seed <= SEEDS; seed++) {
        const model = playOverrides(seed, forgetsReceived);
        founded += model.founded;
        promotions += model.promotions;
        lost += model.lostByOrder;
      }
      console.log(`${founded} reigns by order, ${promotions} opened, ${lost} commits given up`);
      expect(founded).toBeGreaterThan(10);
    },
  );

  it('a change of primaries that its supervisor did not live to see is finished or undone by the other', () => {
    let switchovers = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const model = playWishes(seed);
      switchovers += model.switchovers;
      const before = model.acknowledged.length;
      for (let turn = 0; turn < TURNS; turn++) model.turn();
      expect(model.acknowledged.length, `seed ${seed}`).toBeGreaterThan(before + TURNS / 4);
      expect(model.promotions, 'nobody was promoted that was not wished for').toBe(model.switchovers);
    }
    expect(switchovers).toBeGreaterThan(40);
  });
});
