import { describe, expect, it } from 'vitest';
import { conclude, rejections } from '../src/conclusion.ts';
import { summarise } from '../src/summarise.ts';
import { comparison, profile, throughput } from './records.ts';

const around = (blocks: number, capCpus: number | null = 0.2) => ({
  profile: profile(blocks),
  capCpus,
  hostCpus: 2,
});

describe('a comparison of five blocks', () => {
  const figures = summarise(comparison([58, 57, 59, 58, 60]), around(5));

  it('pairs ratios within blocks and gives them an interval', () => {
    expect(figures.arms.single.readRps).toBe(30);
    expect(figures.arms.replicated.readRps).toBe(58);
    expect(figures.ratios.readRps!.median).toBeCloseTo(58 / 30, 6);
    expect(figures.ratios.readRps!.low!).toBeGreaterThanOrEqual(57 / 30);
    expect(figures.ratios.readRps!.high!).toBeLessThanOrEqual(60 / 30);
  });

  it('takes the headline latencies at the highest common rate, over all samples', () => {
    expect(figures.arms.single.readP50Ms).toBeCloseTo(120, 0);
    expect(figures.arms.replicated.readP50Ms).toBeCloseTo(60, 0);
    expect(figures.ratios.readP50Ms!.median).toBeCloseTo(0.5, 2);
    expect(figures.latency).toHaveLength(4);
    expect(figures.latency[0]!.reads!.samples).toBe(3000);
  });

  it('adds anomalies up over the blocks', () => {
    expect(figures.anomalies).toHaveLength(2);
    expect(figures.anomalies[0]).toMatchObject({
      level: 'eventual',
      readYourWrites: { violations: 200, eligible: 1000 },
      monotonicReads: { violations: 20, eligible: 500 },
      primaryReadShare: 0,
    });
    expect(figures.anomalies[1]).toMatchObject({ level: 'session', primaryReadShare: 0.75 });
  });

  it('shows what each node used, of what it could', () => {
    const row = (arm: string, node: string) =>
      figures.utilisation.find((u) => u.arm === arm && u.node === node)!;
    expect(row('single', 'db-1')).toMatchObject({ servesReads: true, limitCpus: 0.2 });
    expect(row('single', 'db-1').cpuShareOfCap).toBeCloseTo(0.99, 5);
    expect(row('replicated', 'db-1').servesReads).toBe(false);
    expect(row('replicated', 'api-1')).toMatchObject({ limitCpus: 1 });
    expect(row('replicated', 'machine').cpus).toBeCloseTo(1, 6);
  });

  it('predicts about twice the reads from the demands, without what the nodes use at rest', () => {
    // (0.006 - 0.003) CPU for 3 writes/s.
    expect(figures.demands!.writeMs).toBeCloseTo(1, 6);
    expect(figures.prediction!.high).toBeGreaterThan(2);
    expect(figures.prediction!.low).toBeGreaterThan(1.95);
  });

  it('concludes with the speed-up, its interval and its price', () => {
    const conclusion = conclude(figures, 0.2, null);
    expect(conclusion).toMatchObject({ bottleneckProved: true });
    expect(conclusion.speedUp).toBeCloseTo(1.93, 2);
    expect(conclusion.text).toMatch(
      /1\.93x .*95 % interval 1\.90x to 2\.00x, 5 blocks.*three database nodes/,
    );
  });
});

describe('what does not count', () => {
  it('is listed, and its block has no ratio', () => {
    const records = comparison([58]).map((record) =>
      record.kind === 'throughput' && record.arm === 'replicated'
        ? throughput(1, 'replicated', 58, ['the machine was only 3 % idle'])
        : record,
    );
    const figures = summarise(records, around(1));
    expect(figures.rejected).toEqual([
      { run: 'block 1, replicated: throughput', reason: 'the machine was only 3 % idle' },
    ]);
    expect(figures.ratios.readRps).toBeNull();
    expect(figures.arms.replicated.readRps).toBeNull();
    expect(figures.arms.single.readRps).toBe(30);
    expect(figures.runs.filter(({ valid }) => !valid)).toHaveLength(1);
    const conclusion = conclude(figures, 0.2, null);
    expect(conclusion.speedUp).toBeNull();
    expect(conclusion.text).toContain('the machine was only 3 % idle');
  });

  it('is a speed-up without a cap', () => {
    const figures = summarise(comparison([58]), around(1, null));
    expect(figures.ratios.readRps).toBeNull();
    expect(figures.utilisation.find(({ node }) => node === 'db-1')!.cpuShareOfCap).toBeNull();
    const conclusion = conclude(figures, null, 'cgroups cannot be written here');
    expect(conclusion).toMatchObject({ speedUp: null, bottleneckProved: false });
    expect(conclusion.text).toContain('cgroups cannot be written here');
  });

  it('is more than two replicas can give', () => {
    const figures = summarise(comparison([75]), around(1));
    const conclusion = conclude(figures, 0.2, null);
    expect(conclusion).toMatchObject({ speedUp: null, bottleneckProved: false });
    expect(rejections(figures, conclusion)).toEqual([
      { run: 'reads a second, replicated / single', reason: conclusion.text },
    ]);
  });

  it('adds nothing to the list when a speed-up is claimed', () => {
    const figures = summarise(comparison([58]), around(1));
    expect(rejections(figures, conclude(figures, 0.2, null))).toEqual([]);
  });

  it('leaves an empty summary when nothing was recorded', () => {
    const figures = summarise([], around(1));
    expect(figures.arms.single.readRps).toBeNull();
    expect(figures.demands).toBeNull();
    expect(conclude(figures, 0.2, null).speedUp).toBeNull();
  });
});

it('a single block has a ratio and no interval', () => {
  const figures = summarise(comparison([57]), around(1));
  expect(figures.ratios.readRps).toMatchObject({ median: 1.9, low: null, high: null });
  expect(conclude(figures, 0.2, null).text).toContain('1 block: too few for an interval');
});
