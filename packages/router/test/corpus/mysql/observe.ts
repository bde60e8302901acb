import type { Connection } from '@replication-lab/engines';
import type { Labelled, Server } from './corpus.ts';

/** What a statement could have changed or could still hold, in a form to compare. */
export type Footprint = Readonly<Record<string, unknown>>;

interface Questions {
  readonly position: string;
  readonly sessionVariables: string;
  readonly userVariables: string;
  readonly statementLimit: string;
  /** `n`, or `Status`. Not innodb_trx, which answers from a cache that is up to 100 ms old. */
  locks(sessionId: number): string;
  /** States of sequences: CHECKSUM TABLE does not see them. */
  readonly sequences: string | null;
}

const QUESTIONS: Readonly<Record<Server, Questions>> = {
  mysql: {
    position: 'SELECT @@global.gtid_executed AS position',
    sessionVariables:
      'SELECT LOWER(variable_name) AS name, variable_value AS value FROM performance_schema.session_variables',
    userVariables: `SELECT variable_name AS name, variable_value AS value
      FROM performance_schema.user_variables_by_thread v JOIN performance_schema.threads t ON t.thread_id = v.thread_id
      WHERE t.processlist_id = CONNECTION_ID()`,
    statementLimit: 'SET SESSION max_execution_time = 2000',
    locks: (sessionId) => `SELECT COUNT(*) AS n FROM performance_schema.data_locks l
      JOIN performance_schema.threads t ON t.thread_id = l.thread_id WHERE t.processlist_id = ${sessionId}`,
    sequences: null,
  },
  mariadb: {
    position: 'SELECT @@global.gtid_binlog_pos AS position',
    sessionVariables:
      'SELECT LOWER(variable_name) AS name, variable_value AS value FROM information_schema.session_variables',
    userVariables:
      'SELECT variable_name AS name, variable_value AS value FROM information_schema.user_variables',
    statementLimit: 'SET SESSION max_statement_time = 2',
    locks: () => 'SHOW ENGINE INNODB STATUS',
    sequences: 'SELECT * FROM s1',
  },
};

/** Statements that the session has run, by kind: those inside of stored functions count too. */
const STATEMENT_COUNTS = "SHOW SESSION STATUS LIKE 'Com\\_%'";
/** They change by themselves, or with every statement. */
const RESTLESS =
  /^(?:timestamp|rand_seed[12]|statement_id|warning_count|error_count|pseudo_thread_id|gtid_.*|last_gtid|wsrep_.*|in_transaction|innodb_.*|uptime|rpl_.*|server_audit.*)$/;
/** What reads are counted as, and what the observer does itself. */
const READING =
  /^com_(?:select|empty_query|show_.*|explain.*|begin|rollback|commit|set_option|stmt_.*|admin_commands|checksum|change_db|prepare_sql|execute_sql|dealloc_sql|.*_sql)$/i;

/**
 * Watches one session of an administrator, who may write: nothing but the statement itself keeps it from doing so. `control`
 * is another connection to the same node.
 */
export class Observer {
  readonly session: Connection;
  readonly #control: Connection;
  readonly #ask: Questions;
  #sessionId = 0;

  constructor(server: Server, session: Connection, control: Connection) {
    this.session = session;
    this.#control = control;
    this.#ask = QUESTIONS[server];
  }

  /** `sqlMode`: how the session reads the texts. A value of LAST_INSERT_ID is left to be found again. */
  async prepare(sqlMode: string): Promise<void> {
    await this.session.query(`SET SESSION sql_mode = '${sqlMode}'`);
    await this.session.query(this.#ask.statementLimit);
    await this.session.query('SELECT LAST_INSERT_ID(4711)');
    const { rows } = await this.session.query('SELECT CONNECTION_ID() AS id');
    this.#sessionId = Number(rows[0]?.id);
  }

  async position(): Promise<string> {
    return String((await this.#control.query(this.#ask.position)).rows[0]?.position);
  }

  /** The data of the node. */
  async node(): Promise<Footprint> {
    const { rows: tables } = await this.#control.query(
      "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'lab' AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED') ORDER BY 1",
    );
    const list = tables.map(({ name }) => `lab.\`${name}\``).join(', ');
    return {
      position: await this.position(),
      checksums: (await this.#control.query(`CHECKSUM TABLE ${list}`)).rows,
      sequences: this.#ask.sequences ? (await this.#control.query(this.#ask.sequences)).rows : [],
    };
  }

  /** What the session has of its own: settings, variables, the kinds of statements it has run. */
  async own(): Promise<Footprint> {
    const named = async (sql: string, keep: (name: string) => boolean) => {
      const { rows } = await this.session.query(sql);
      const entries = rows.map((row) => Object.values(row).map(String) as [string, string]);
      return Object.fromEntries(entries.filter(([name]) => keep(name)).sort());
    };
    return {
      settings: await named(this.#ask.sessionVariables, (name) => !RESTLESS.test(name)),
      variables: await named(this.#ask.userVariables, () => true),
      statements: await named(STATEMENT_COUNTS, (name) => !READING.test(name)),
    };
  }

  /** What the session's open transaction has locked (and so what it has changed); null when that is nothing. */
  async locked(): Promise<string | null> {
    const { rows } = await this.#control.query(this.#ask.locks(this.#sessionId));
    if (rows[0]?.n !== undefined) return Number(rows[0].n) > 0 ? `${rows[0].n} locks` : null;
    const transactions = String(rows[0]?.Status).split('---TRANSACTION ');
    const mine = transactions.find((text) => text.includes(`thread id ${this.#sessionId},`));
    return /^[1-9]\d* lock struct.*$/m.exec(mine ?? '')?.[0] ?? null;
  }

  /** Named locks that the session holds; afterwards it holds none. */
  async takeNamedLocks(): Promise<number> {
    const { rows } = await this.session.query('SELECT RELEASE_ALL_LOCKS() AS n');
    return Number(rows[0]?.n);
  }

  /** Runs statements in one transaction, and says what they left behind; errors are the statements' own. */
  async leftBehind(
    statements: readonly Labelled[],
  ): Promise<{ effects: string[]; errors: [Labelled, unknown][] }> {
    const [node, own] = [await this.node(), await this.own()];
    const errors: [Labelled, unknown][] = [];
    await this.session.query('START TRANSACTION');
    for (const statement of statements) {
      await this.session
        .query(statement.sql, statement.params)
        .catch((error) => errors.push([statement, error]));
    }
    const locked = await this.locked();
    await this.session.query('COMMIT');
    const effects = [
      ...(locked ? [`locks: ${locked}`] : []),
      ...((await this.takeNamedLocks()) > 0 ? ['named locks'] : []),
      ...differences(own, await this.own()),
      ...differences(node, await this.node()),
    ];
    return { effects, errors };
  }

  /** Whether one statement wrote or locked, as the server itself sees it. */
  async writesOrLocks({ sql, params }: Labelled): Promise<boolean> {
    const position = await this.position();
    await this.session.query('START TRANSACTION');
    await this.session.query(sql, params).catch(() => {});
    const locked = await this.locked();
    await this.session.query('COMMIT').catch(() => this.session.query('ROLLBACK'));
    await this.session.query('UNLOCK TABLES').catch(() => {});
    const namedLocks = await this.takeNamedLocks().catch(() => 0);
    return locked !== null || namedLocks > 0 || (await this.position()) !== position;
  }
}

/** `statements.Com_insert: "0" became "1"` */
function differences(before: unknown, after: unknown, path = ''): string[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  if (!isObject(before) || !isObject(after)) {
    return [`${path}: ${JSON.stringify(before)} became ${JSON.stringify(after)}`];
  }
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return keys.flatMap((key) => differences(before[key], after[key], path === '' ? key : `${path}.${key}`));
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;
