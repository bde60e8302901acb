import type { Connection, EngineName } from '@replication-lab/engines';
import { type Router, RouterError } from '../src/index.ts';
import { Random } from './random.ts';
import { clockMs, pause, statements } from './setup.ts';
import { count } from './statistics.ts';

export const TABLES = ['exp_once', 'exp_many'] as const;
export type Table = (typeof TABLES)[number];

/** What a writer was told. `refused`: any error but "unknown", so nothing may have been written. */
export type Told = 'ok' | 'refused' | 'unknown';

/** Paced: what is written has to be copied to a node that is made anew, again and again. */
const MEAN_PAUSE_MS = 15;
const WRITERS = 12;
const EVERY_NTH_IN_TRANSACTION = 3;

export interface Audit {
  readonly acknowledged: number;
  readonly refused: number;
  readonly unknown: number;
  /** Of the unknown ones. */
  readonly unknownWritten: number;
  readonly acknowledgedMissing: number;
  readonly refusedPresent: number;
  readonly duplicates: number;
  /** Rows that no writer ever sent. */
  readonly strangers: number;
  readonly examples: readonly string[];
}

/** Writers that insert row after row, each row once, and remember what they were told. */
export class Writers {
  readonly okAtMs: number[] = [];
  readonly codes: Record<string, number> = {};
  readonly #told: Told[][] = Array.from({ length: WRITERS }, () => []);
  readonly #routers: readonly Router[];
  readonly #sql: ReturnType<typeof statements>;
  readonly #repeatUnknown: boolean;
  readonly #stop = new AbortController();
  readonly #loops: Promise<void>[];

  /** `repeatUnknown`: what nobody should do, so that its cost can be seen. */
  constructor(routers: readonly Router[], engine: EngineName, seed: number, repeatUnknown: boolean) {
    this.#routers = routers;
    this.#sql = statements(engine);
    this.#repeatUnknown = repeatUnknown;
    this.#loops = this.#told.map((_, client) => this.#write(client, Random.of(seed, client)));
    for (const loop of this.#loops) loop.catch(() => {}); // told by `stop`
  }

  get acknowledged(): number {
    return this.okAtMs.length;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#loops);
  }

  /** The longest time without an acknowledgement that overlaps `fromMs` to `toMs`. */
  outageMs(fromMs: number, toMs: number): number {
    let longestMs = 0;
    for (let i = 1; i < this.okAtMs.length; i++) {
      const [before, after] = [this.okAtMs[i - 1]!, this.okAtMs[i]!];
      if (after >= fromMs && before <= toMs) longestMs = Math.max(longestMs, after - before);
    }
    return longestMs;
  }

  /** Compares what the writers were told with what a node holds. */
  async audit(connection: Connection): Promise<Audit> {
    const rows = new Map<string, number>();
    for (const table of TABLES) {
      const found = await connection.query(
        `SELECT client, n, COUNT(*) AS copies FROM ${table} GROUP BY client, n`,
      );
      for (const row of found.rows) rows.set(`${table} ${row.client} ${row.n}`, Number(row.copies));
    }
    return judge(this.#told, rows);
  }

  async #write(client: number, random: Random): Promise<void> {
    const told = this.#told[client]!;
    while (!this.#stop.signal.aborted) {
      const n = told.length;
      // Claimed before it is sent: whatever happens, no number is used twice.
      told.push('unknown');
      told[n] = await this.#insert(client, n, random);
      if (told[n] === 'unknown' && this.#repeatUnknown) told[n] = await this.#insert(client, n, random);
      await pause(random.exponentialMs(1_000 / MEAN_PAUSE_MS), this.#stop.signal);
    }
  }

  async #insert(client: number, n: number, random: Random): Promise<Told> {
    const router = random.pick(this.#routers);
    const sql = this.#sql.insert(tableOf(client));
    try {
      if (n % EVERY_NTH_IN_TRANSACTION === 0) {
        await router.transaction((tx) => tx.query(sql, [client, n]));
      } else {
        await router.write(sql, [client, n]);
      }
      this.okAtMs.push(clockMs());
      return 'ok';
    } catch (error) {
      const { code } = error as { code?: unknown };
      if (typeof code !== 'string') throw error; // a mistake in the experiment
      count(this.codes, error instanceof RouterError ? code : `statement: ${code}`);
      return code === 'outcome-unknown' ? 'unknown' : 'refused';
    }
  }
}

const tableOf = (client: number): Table => TABLES[client % TABLES.length]!;

/** Pure: what was told against what is there. `rows`: copies by `TABLE CLIENT NUMBER`. */
export function judge(told: readonly (readonly Told[])[], rows: ReadonlyMap<string, number>): Audit {
  const audit = {
    acknowledged: 0,
    refused: 0,
    unknown: 0,
    unknownWritten: 0,
    acknowledgedMissing: 0,
    refusedPresent: 0,
    duplicates: 0,
    strangers: 0,
  };
  const examples: string[] = [];
  const broken = (
    what: 'acknowledgedMissing' | 'refusedPresent' | 'duplicates' | 'strangers',
    row: string,
  ) => {
    audit[what] += 1;
    if (examples.length < 10) examples.push(`${what}: ${row}`);
  };
  const sent = new Set<string>();
  told.forEach((numbers, client) => {
    numbers.forEach((answer, n) => {
      const row = `${tableOf(client)} ${client} ${n}`;
      const copies = rows.get(row) ?? 0;
      sent.add(row);
      if (answer === 'ok') audit.acknowledged += 1;
      else audit[answer] += 1;
      if (answer === 'unknown' && copies > 0) audit.unknownWritten += 1;
      if (answer === 'ok' && copies === 0) broken('acknowledgedMissing', row);
      if (answer === 'refused' && copies > 0) broken('refusedPresent', row);
      if (copies > 1) broken('duplicates', `${row} (${copies} copies, ${answer})`);
    });
  });
  for (const row of rows.keys()) if (!sent.has(row)) broken('strangers', row);
  return { ...audit, examples };
}
