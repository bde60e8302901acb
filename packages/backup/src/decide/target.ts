import { BackupError } from '../errors.ts';

const TIME = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,6}))?(Z|[+-]\d{2}:?\d{2})$/;

/**
 * Reads `2026-11-29T00:30:05.123456Z` or the same with an offset, in µs since 1970. A time without a zone is refused (BackupError
 * `bad-target`): the lab's clocks are UTC, and a person's seldom is.
 */
export function parseTime(text: string): number {
  const match = TIME.exec(text.trim());
  const [, date, time, fraction = '', zone = 'Z'] = match ?? [];
  const ms = match
    ? Date.parse(`${date}T${time}${zone.replace(/^([+-]\d{2})(\d{2})$/, '$1:$2')}`)
    : Number.NaN;
  if (Number.isNaN(ms)) {
    throw new BackupError(
      'bad-target',
      `cannot read the time ${JSON.stringify(text)}`,
      'write it with its zone, up to the microsecond: 2026-11-29T00:30:05.123456Z',
    );
  }
  return ms * 1000 + Number(fraction.padEnd(6, '0'));
}

/** The inverse, always UTC. */
export function timeText(us: number): string {
  const seconds = new Date(Math.floor(us / 1_000_000) * 1000).toISOString().slice(0, 19);
  return `${seconds}.${String(us % 1_000_000).padStart(6, '0')}Z`;
}
