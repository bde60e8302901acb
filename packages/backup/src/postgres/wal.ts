import type { Position } from '@replication-lab/engines';

/** The log sequence number of a position's newest timeline: `2/0/538E000` is 0x538E000. 0 for the empty position. */
export function lsnOf(position: Position): bigint {
  const newest = position.split(',').at(-1) ?? '';
  const [, high, low] = newest.split('/');
  return high && low ? (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`) : 0n;
}

export const lsnText = (lsn: bigint): string =>
  `${(lsn >> 32n).toString(16)}/${(lsn & 0xffffffffn).toString(16)}`.toUpperCase();

export const positionText = (timeline: number, lsn: bigint): Position =>
  `${timeline}/${lsnText(lsn)}` as Position;

const SEGMENT = /^([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})(\.partial)?$/;

export interface Segment {
  readonly file: string;
  readonly timeline: number;
  readonly start: bigint;
  readonly partial: boolean;
}

/** A file of the log by its name; null for anything else, as a timeline's history. */
export function parseSegment(file: string, segmentBytes: bigint): Segment | null {
  const match = SEGMENT.exec(file);
  if (!match) return null;
  const [, timeline, high, low, partial] = match;
  const start = (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`) * segmentBytes;
  return { file, timeline: Number.parseInt(timeline!, 16), start, partial: partial !== undefined };
}

/** In the order of the log. */
export const inOrder = (segments: readonly Segment[]): Segment[] =>
  segments.toSorted(
    (a, b) =>
      a.timeline - b.timeline ||
      (a.start < b.start ? -1 : a.start > b.start ? 1 : Number(a.partial) - Number(b.partial)),
  );

const PAGE_BYTES = 8192n;
/** The longest header of a page: the first one of a file has it. */
const HEADER_BYTES = 40n;

/**
 * Whether log that was replayed up to `end` comes up to `target`. A place just behind a page's header is named by the server as either
 * end of that header.
 */
export function endsAtOrAfter(end: Position, target: Position): boolean {
  const have = lsnOf(end);
  return (have % PAGE_BYTES === 0n ? have + HEADER_BYTES : have) >= lsnOf(target);
}
