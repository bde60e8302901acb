import { Buffer } from 'node:buffer';
import { type EngineName, Recent } from '@replication-lab/engines';
import { classifyMariadb, classifyMysql } from './mysql/index.ts';
import { classifyPostgres, isParserReady, loadPostgresParser } from './postgres/index.ts';
import type { Classification, Classifier, ClassifyOptions } from './types.ts';

export * from './types.ts';

const CLASSIFIERS: Readonly<Record<EngineName, Classifier>> = {
  mysql: classifyMysql,
  mariadb: classifyMariadb,
  postgres: classifyPostgres,
};

/** Bounds of one cache: 4,000 texts, and 2 million characters (4 MB) in all. */
const MOST_TEXTS = 4_000;
const MOST_CHARS = 2_000_000;
/** Longer texts are generated ones as a rule, and seldom come twice. */
const LONGEST_KEPT_CHARS = 16_384;
/** Sets of options with a cache of their own at `classify`. */
const SHARED_CLASSIFIERS = 16;

const isKept = (sql: unknown): boolean =>
  typeof sql === 'string' && sql.length <= LONGEST_KEPT_CHARS && sql.isWellFormed();

/** Verdicts given before the parser is there, or after it broke, are about the parser and not about the text. */
const isLasting = (engine: EngineName): boolean => engine !== 'postgres' || isParserReady();

/**
 * A classifier with a cache of its own, for a hot path: a text it has seen lately costs one look-up. `options` are read
 * now. Statements of postgres are `unparsable` until `prepareClassifier` has resolved. Never throws.
 */
export function createClassifier(
  engine: EngineName,
  options: ClassifyOptions = {},
): (sql: string) => Classification {
  const cache = new Recent<Classification>(MOST_TEXTS, MOST_CHARS);
  const own = { safeFunctions: [...(options.safeFunctions ?? [])] };
  const classifier = CLASSIFIERS[engine];
  return (sql) => {
    const known = cache.get(sql);
    if (known !== undefined) return known;
    const verdict = classifier(sql, own);
    if (isLasting(engine) && isKept(sql)) {
      // A copy: a text cut out of a longer one would keep all of that in memory.
      cache.set(Buffer.from(sql).toString(), Object.freeze(verdict));
    }
    return verdict;
  };
}

const shared = new Map<string, (sql: string) => Classification>();
const plain: Partial<Record<EngineName, (sql: string) => Classification>> = {};

/** Is this statement proved to be a pure read? As `createClassifier`, with a cache for all callers of equal options. */
export function classify(sql: string, engine: EngineName, options?: ClassifyOptions): Classification {
  const safeFunctions = options?.safeFunctions;
  if (!safeFunctions?.length) {
    plain[engine] ??= createClassifier(engine);
    return plain[engine](sql);
  }
  const key = JSON.stringify([engine, ...safeFunctions]);
  let classifier = shared.get(key);
  if (!classifier) {
    classifier = createClassifier(engine, options);
    if (shared.size >= SHARED_CLASSIFIERS) shared.delete(shared.keys().next().value!);
    shared.set(key, classifier);
  }
  return classifier(sql);
}

/** Loads what an engine's classifier needs: for postgres the grammar, for the others nothing. Rejects when it cannot. */
export async function prepareClassifier(engine: EngineName): Promise<void> {
  if (engine === 'postgres') await loadPostgresParser();
}
