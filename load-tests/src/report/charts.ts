import { escapeHtml } from './escape.ts';

/**
 * Charts as plain SVG text. Colours are classes, so that the page's style sheet decides them for light and dark; values
 * are written beside the marks, so that colour is never the only sign.
 */

const WIDTH = 760;
const LABEL_WIDTH = 210;
const VALUE_WIDTH = 170;
const BAR = 20;
const GAP = 6;
const GROUP_GAP = 18;
const AXIS = 34;

export type Colour = 'single' | 'replicated' | 'good' | 'bad' | 'neutral';

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** Written behind the bar. */
  readonly text: string;
  readonly colour: Colour;
}

export interface BarGroup {
  readonly title: string;
  readonly bars: readonly Bar[];
}

/** A line across all bars, with its meaning. */
export interface Mark {
  readonly value: number;
  readonly label: string;
}

export interface BarChart {
  readonly title: string;
  readonly unit: string;
  readonly groups: readonly BarGroup[];
  readonly marks?: readonly Mark[];
  /** End of the axis; the largest value when left out. */
  readonly max?: number;
}

/** About `count` round numbers from 0 to `max`. */
export function ticks(max: number, count = 5): number[] {
  if (!(max > 0)) return [0];
  const rough = max / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough)!;
  return Array.from({ length: Math.floor(max / step + 1e-9) + 1 }, (_, i) =>
    Number((i * step).toPrecision(12)),
  );
}

const text = (x: number, y: number, content: string, anchor: 'start' | 'middle' | 'end', kind = ''): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" class="${kind}">${escapeHtml(content)}</text>`;

const line = (x1: number, y1: number, x2: number, y2: number, kind: string): string =>
  `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" class="${kind}"/>`;

const svg = (title: string, height: number, parts: readonly string[]): string =>
  `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeHtml(title)}" ` +
  `xmlns="http://www.w3.org/2000/svg"><title>${escapeHtml(title)}</title>${parts.join('')}</svg>`;

/** Horizontal bars in groups, from zero. */
export function barChart(chart: BarChart): string {
  const marks = chart.marks ?? [];
  const values = chart.groups.flatMap(({ bars }) => bars.map(({ value }) => value));
  const max = chart.max ?? (Math.max(...values, ...marks.map(({ value }) => value)) || 1);
  const scale = (value: number) =>
    LABEL_WIDTH + (Math.min(value, max) / max) * (WIDTH - LABEL_WIDTH - VALUE_WIDTH);
  const bars: string[] = [];
  const texts: string[] = [];
  const top = marks.length > 0 ? 16 : 0;
  let y = top;
  for (const group of chart.groups) {
    if (group.title !== '') {
      texts.push(text(0, y + 14, group.title, 'start', 'group'));
      y += BAR;
    }
    for (const bar of group.bars) {
      const width = Math.max(1, scale(bar.value) - LABEL_WIDTH);
      bars.push(
        `<rect x="${LABEL_WIDTH}" y="${y}" width="${width.toFixed(1)}" height="${BAR - 2}" rx="2" class="${bar.colour}"/>`,
      );
      texts.push(
        text(LABEL_WIDTH - 8, y + 14, bar.label, 'end'),
        text(LABEL_WIDTH + width + 6, y + 14, bar.text, 'start', 'value'),
      );
      y += BAR + GAP;
    }
    y += GROUP_GAP - GAP;
  }
  const bottom = y - GROUP_GAP + GAP;
  const axis = ticks(max).map((value) => [
    line(scale(value), top, scale(value), bottom, 'grid'),
    text(scale(value), bottom + 14, String(value), 'middle', 'tick'),
  ]);
  const marked = marks.map(({ value, label }) => [
    line(scale(value), top, scale(value), bottom, 'mark'),
    text(scale(value), top - 4, label, 'middle', 'tick'),
  ]);
  const unit = text(WIDTH - VALUE_WIDTH, bottom + 30, chart.unit, 'end', 'tick');
  return svg(chart.title, bottom + AXIS, [...axis.flat(), ...bars, ...marked.flat(), ...texts, unit]);
}

export interface LineSeries {
  readonly name: string;
  readonly colour: Colour;
  /** One value a second, from second 0. */
  readonly values: readonly number[];
  /** The level that was read off, and over which seconds. */
  readonly plateau: {
    readonly from: number;
    readonly to: number;
    readonly value: number;
    readonly text: string;
  };
}

export interface LineChart {
  readonly title: string;
  readonly xUnit: string;
  readonly yUnit: string;
  readonly series: readonly LineSeries[];
}

const PLOT = { left: 44, right: WIDTH - 150, top: 18, bottom: 230 };

/** Lines over seconds, each with its plateau and its name at the end. */
export function lineChart({ title, xUnit, yUnit, series }: LineChart): string {
  const maxX = Math.max(1, ...series.map(({ values }) => values.length - 1));
  const maxY = Math.max(1, ...series.flatMap(({ values }) => values)) * 1.1;
  const x = (second: number) => PLOT.left + (second / maxX) * (PLOT.right - PLOT.left);
  const y = (value: number) => PLOT.bottom - (value / maxY) * (PLOT.bottom - PLOT.top);
  const grid = ticks(maxY).map((value) => [
    line(PLOT.left, y(value), PLOT.right, y(value), 'grid'),
    text(PLOT.left - 6, y(value) + 4, String(value), 'end', 'tick'),
  ]);
  const seconds = ticks(maxX, 8).map((value) =>
    text(x(value), PLOT.bottom + 16, String(value), 'middle', 'tick'),
  );
  const drawn = series.map(({ name, colour, values, plateau }) => {
    const points = values.map((value, second) => `${x(second).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
    return [
      `<polyline points="${points}" class="line ${colour}"/>`,
      line(x(plateau.from), y(plateau.value), x(plateau.to), y(plateau.value), `plateau ${colour}`),
      text(PLOT.right + 8, y(plateau.value) - 2, name, 'start', 'group'),
      text(PLOT.right + 8, y(plateau.value) + 14, plateau.text, 'start', 'value'),
    ];
  });
  const units = [
    text(0, 10, yUnit, 'start', 'tick'),
    text(PLOT.right, PLOT.bottom + 32, xUnit, 'end', 'tick'),
  ];
  return svg(title, PLOT.bottom + 38, [...grid.flat(), ...seconds, ...drawn.flat(), ...units]);
}
