import { type Colours, pc } from './colours.ts';

/** Where a verb writes. Results to stdout, everything about the work to stderr, so that a pipe gets only results. */
export interface Output {
  line(text?: string): void;
  /** The machine's result: one JSON document. */
  json(value: unknown): void;
  warn(text: string): void;
  error(text: string): void;
  /**
   * One line that changes in place on a terminal; elsewhere it is printed at most every ten seconds.
   * `null` takes it away.
   */
  live(text: string | null): void;
  readonly colours: Colours;
}

interface Stream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

const LIVE_EVERY_MS = 10_000;

export function createOutput(
  streams: { stdout: Stream; stderr: Stream },
  options: { json: boolean; nowMs?: () => number },
): Output {
  const { stdout, stderr } = streams;
  const nowMs = options.nowMs ?? Date.now;
  let live = false;
  let lastLiveMs = Number.NEGATIVE_INFINITY;
  const clear = () => {
    if (live) stderr.write('\r\x1b[K');
    live = false;
  };
  const write = (stream: Stream, text: string) => {
    clear();
    stream.write(`${text}\n`);
  };
  return {
    line: (text = '') => write(options.json ? stderr : stdout, text),
    json: (value) => write(stdout, JSON.stringify(value, null, 2)),
    warn: (text) => write(stderr, pc.yellow(text)),
    error: (text) => write(stderr, pc.red(text)),
    live(text) {
      if (text === null) return clear();
      if (stderr.isTTY) {
        clear();
        stderr.write(text.slice(0, (stderr.columns ?? 80) - 1));
        live = true;
      } else if (nowMs() - lastLiveMs >= LIVE_EVERY_MS) {
        lastLiveMs = nowMs();
        stderr.write(`${text}\n`);
      }
    },
    colours: pc,
  };
}

/** Progress lines: what is being done, with the seconds since the start, so that a slow step shows itself. */
export function createProgress(out: Output, stderr: Stream, nowMs: () => number = Date.now) {
  const startMs = nowMs();
  return (message: string): void => {
    out.live(null);
    const seconds = ((nowMs() - startMs) / 1000).toFixed(1).padStart(5);
    stderr.write(`${pc.dim(`${seconds} s`)}  ${message}\n`);
  };
}
