import { times } from '../conclusion.ts';
import { LIMITS } from '../gates.ts';
import { ARMS } from '../profile.ts';
import { upperBoundOfZero, wordCount } from '../statistics.ts';
import type { CompareSummary } from '../summary.ts';
import { figure, ratioText } from '../words.ts';
import { type Bar, barChart, lineChart } from './charts.ts';

/** The report's charts, each from the summary alone. An empty text where nothing was measured. */

export function throughputChart({ arms, ratios, prediction }: CompareSummary): string {
  const { single, replicated } = arms;
  if (single.readRps === null || replicated.readRps === null) return '';
  const ratio = ratios.readRps ? `, ${ratioText(ratios.readRps)}` : '';
  return barChart({
    title: 'Reads a second at saturation',
    unit: 'reads/s',
    groups: [
      {
        title: '',
        bars: [
          bar('single', single.readRps, figure(single.readRps), 'single'),
          bar('replicated', replicated.readRps, `${figure(replicated.readRps)}${ratio}`, 'replicated'),
        ],
      },
    ],
    marks: prediction
      ? [{ value: single.readRps * prediction.high, label: `model: ${times(prediction.high)}` }]
      : [],
  });
}

const bar = (label: string, value: number, text: string, colour: Bar['colour']): Bar => ({
  label,
  value,
  text,
  colour,
});

export function rampChart({ ramps }: CompareSummary): string {
  if (ramps.length === 0) return '';
  return lineChart({
    title: 'Completed reads, second by second, while the offered load rises past the knee and holds',
    xUnit: 'seconds',
    yUnit: 'reads/s',
    series: ramps.map(({ arm, readsPerSecond, plateau }) => ({
      name: arm,
      colour: arm,
      values: readsPerSecond,
      plateau: {
        from: plateau.fromSecond,
        to: plateau.toSecond,
        value: plateau.readsPerSecond,
        text: `${figure(plateau.readsPerSecond)} reads/s`,
      },
    })),
  });
}

export function latencyChart({ latency }: CompareSummary): string {
  const shares = [...new Set(latency.map(({ share }) => share))];
  const groups = shares.flatMap((share) => {
    const rows = latency.filter((row) => row.share === share);
    return (['p50', 'p95', 'p99'] as const).map((p) => ({
      title: `Read ${p} at ${figure(rows[0]!.offeredPerSecond)} requests/s (${Math.round(share * 100)} % of the single node's capacity)`,
      bars: rows.flatMap(({ arm, reads }) =>
        reads ? [bar(arm, reads[p], `${figure(reads[p])} ms`, arm)] : [],
      ),
    }));
  });
  if (groups.every(({ bars }) => bars.length === 0)) return '';
  return barChart({ title: 'Read latency at equal offered rates', unit: 'ms', groups });
}

/** Stale reads in percent; what was never seen is drawn as its 95 % bound would be too small to matter: as nothing. */
export function anomalyChart({ anomalies }: CompareSummary): string {
  if (anomalies.length === 0) return '';
  const faults = [...new Set(anomalies.map(({ fault }) => fault))];
  const share = ({ violations, eligible }: { violations: number; eligible: number }) =>
    eligible === 0 ? 0 : (100 * violations) / eligible;
  const groups = faults.flatMap((fault) =>
    (['readYourWrites', 'monotonicReads'] as const).map((kind) => ({
      title: `${kind === 'readYourWrites' ? 'Own write not seen' : 'Went back in time'}, lag: ${fault}`,
      bars: anomalies
        .filter((row) => row.fault === fault)
        .map((row) =>
          bar(row.level, share(row[kind]), wordCount(row[kind]), row[kind].violations > 0 ? 'bad' : 'good'),
        ),
    })),
  );
  return barChart({ title: 'Anomalies by consistency level', unit: '% of eligible reads', groups, max: 100 });
}

export function utilisationChart({ utilisation }: CompareSummary): string {
  const groups = ARMS.map((arm) => ({
    title: arm,
    bars: utilisation
      .filter((row) => row.arm === arm && row.cpuShareOfCap !== null)
      .map((row) => {
        const share = 100 * row.cpuShareOfCap!;
        const label = row.servesReads ? `${row.node} (serves reads)` : row.node;
        const text = `${Math.round(share)} %, ${row.cpus.toFixed(2)} CPU`;
        return bar(label, share, text, row.servesReads ? 'replicated' : 'neutral');
      }),
  })).filter(({ bars }) => bars.length > 0);
  if (groups.length === 0) return '';
  const marks = [LIMITS.otherShare, LIMITS.saturatedShare].map((share) => ({
    value: share * 100,
    label: `${Math.round(share * 100)} %`,
  }));
  return barChart({ title: 'CPU at saturation', unit: '% of what it could use', groups, marks, max: 105 });
}

/** The worst upper bound of the levels that showed nothing: what "zero" is worth here. Null without a zero. */
export function zeroBound({ anomalies }: CompareSummary): number | null {
  const zeros = anomalies.filter(
    ({ readYourWrites: { violations, eligible } }) => violations === 0 && eligible > 0,
  );
  if (zeros.length === 0) return null;
  return upperBoundOfZero(Math.min(...zeros.map(({ readYourWrites }) => readYourWrites.eligible)));
}
