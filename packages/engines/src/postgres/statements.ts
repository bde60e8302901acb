import type { Client, QueryConfig, QueryResult } from 'pg';
import type { Answer } from '../session/session.ts';
import type { RowForm, SqlValue } from '../types.ts';
import { isNotOurs, isRefusal, mayBeOutdated, PreparedNames } from './prepared-names.ts';
import { configOf, toParameter, toResult } from './wire.ts';

type Driver = typeof import('pg');
export type Done = (error: unknown, answer: QueryResult) => void;

/** The statements of one session, and which of them the server has prepared. Nothing here throws. */
export class Statements {
  readonly names = new PreparedNames();
  readonly #driver: Client;
  readonly #pg: Driver;
  readonly #isBroken: () => boolean;

  constructor(driver: Client, pg: Driver, isBroken: () => boolean) {
    this.#driver = driver;
    this.#pg = pg;
    this.#isBroken = isBroken;
  }

  /**
   * A text that comes again and again is prepared under a name: parsing and planning cost the server as much as a lookup by
   * key. Not in transactions, where a statement that has gone stale (somebody changed the table) could not be asked again.
   */
  ask(sql: string, params: readonly SqlValue[], form: RowForm, done: Answer): void {
    const name = this.names.nameOf(sql);
    this.start(name, sql, params, form, (error, answer) => {
      if (!error) {
        if (name === undefined) this.names.used(sql);
        done(null, toResult(answer, form));
        return;
      }
      if (this.isStale(name, sql, error)) this.ask(sql, params, form, done);
      else done(error, null);
    });
  }

  /** Did a prepared statement fail because it is prepared? Then it is not any more. */
  isStale(name: string | undefined, sql: string, error: unknown): boolean {
    const state = (error as { code?: string }).code;
    if (name === undefined || this.#isBroken() || !isRefusal(error)) return false;
    if (!isNotOurs(state) && !mayBeOutdated(state)) return false;
    if (isNotOurs(state)) this.names.turnOff();
    else this.names.forget(sql);
    return true;
  }

  start(
    name: string | undefined,
    text: string,
    params: readonly SqlValue[],
    form: RowForm,
    done: Done,
  ): void {
    try {
      this.send(this.query(name, text, params, form, done));
    } catch (error) {
      process.nextTick(done, error, undefined); // such a value cannot be sent
    }
  }

  send(query: ReturnType<Statements['query']>): void {
    this.#driver.query(query);
  }

  /**
   * The driver copies a configuration object property by property, which costs as much as sending it, so the usual form is
   * made without one. Throws for a value that cannot be sent.
   */
  query(
    name: string | undefined,
    text: string,
    params: readonly SqlValue[],
    form: RowForm,
    done: Done,
  ): InstanceType<Driver['Query']> {
    const { Query } = this.#pg;
    const callback = done as unknown as ConstructorParameters<typeof Query>[2];
    if (form.rowMode || form.types) {
      return new Query({ name, ...configOf(text, params, form) } as QueryConfig, undefined, callback);
    }
    return Object.assign(new Query(text, params.map(toParameter), callback), {
      name,
      queryMode: 'extended' as const,
    });
  }
}
