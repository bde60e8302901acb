import type { ClassifyReason } from '../types.ts';
import { INFORMATION_SCHEMA, OPERATORS, REPLICATED_CATALOGS, SAMPLING_METHODS, TYPES } from './catalog.ts';
import { SAFE_FUNCTIONS } from './safe-functions.ts';
import { type Fields, isFields, kindOf, namesIn, stringOf } from './tree.ts';
import { whyUnsafe, whyUnsafeAsColumn } from './unsafe-functions.ts';

type Doubt = Exclude<ClassifyReason, 'pure-read'>;

export interface Context {
  /** Has the user declared this name, with its schema where there is one, to be safe? */
  readonly declared: (names: readonly string[]) => boolean;
}
type Check = (fields: Fields, context: Context) => Doubt | null;

const WRITING = new Set(['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt']);

/** What a sequence has for columns: on a replica they run ahead of the primary, since values are logged in advance. */
const SEQUENCE_COLUMNS = new Set(['last_value', 'log_cnt', 'is_called']);

/** A name out of `among` of pg_catalog, said with or without the schema, else null. */
function builtIn(names: readonly string[], among: ReadonlySet<string>): string | null {
  const [first = '', second] = names;
  if (names.length === 1) return among.has(first) ? first : null;
  return names.length === 2 && first === 'pg_catalog' && among.has(second!) ? second! : null;
}

const TEMPORARY_SCHEMA = /^pg_(?:toast_)?temp(?:_|$)/;
const isTemporary = (names: readonly string[]): boolean =>
  names.slice(0, -1).some((schema) => TEMPORARY_SCHEMA.test(schema));

/** A function call. A name that a built-in has is not for the user to declare: it would still be the built-in. */
function functionDoubt(names: readonly string[] | null, { declared }: Context): Doubt | null {
  if (!names) return 'unparsable';
  if (isTemporary(names)) return 'temporary-table';
  if (builtIn(names, SAFE_FUNCTIONS)) return null;
  const isBuiltIn = names.length === 1 || (names.length === 2 && names[0] === 'pg_catalog');
  const unsafe = isBuiltIn ? whyUnsafe(names.at(-1)!) : null;
  if (unsafe) return unsafe;
  return declared(names) ? null : 'unknown-function';
}

/** Operators, sampling methods and types that are not built in stand for functions of the user's. */
function builtInOrDeclared(among: ReadonlySet<string>, names: readonly string[] | null, context: Context) {
  if (!names) return 'unparsable';
  if (isTemporary(names)) return 'temporary-table';
  return builtIn(names, among) || context.declared(names) ? null : 'unknown-function';
}

const operatorDoubt = (list: unknown, context: Context): Doubt | null =>
  list === undefined ? null : builtInOrDeclared(OPERATORS, namesIn(list), context);

/**
 * A cast to a type that is not built in can run anything: a domain has CHECK constraints, a user's type has functions of
 * its own. Harmless enums are not told apart from those by a name, so they are declared like functions.
 */
function typeDoubt({ names, setof, pct_type }: Fields, context: Context): Doubt | null {
  if (setof || pct_type) return 'unparsable';
  const written = namesIn(names);
  const element = written?.map((name, i) => (i === written.length - 1 ? name.replace(/^_/, '') : name));
  if (element && builtIn(element, TYPES)) return null; // _int4 is int4[]
  return builtInOrDeclared(TYPES, written, context);
}

function tableDoubt({ schemaname: schema, relname }: Fields): Doubt | null {
  const name = String(relname);
  if (typeof schema === 'string' && TEMPORARY_SCHEMA.test(schema)) return 'temporary-table';
  if (schema === 'information_schema') return INFORMATION_SCHEMA.has(name) ? null : 'system-catalog';
  const inCatalog = schema === undefined ? name.startsWith('pg_') : String(schema).startsWith('pg_');
  if (inCatalog) {
    const known = (schema === undefined || schema === 'pg_catalog') && REPLICATED_CATALOGS.has(name);
    return known ? null : 'system-catalog';
  }
  // Only a habit, but the one that SERIAL has: a sequence is readable like a table.
  return /_seq\d*$/.test(name) ? 'sequence' : null;
}

/**
 * `a.b` is a column, or the function b called with a: `s.nextval` advances a sequence when s is a regclass. For the server's
 * own functions the name decides. A user's function in this guise cannot be told from a column, like what a view
 * hides: it is a documented limit.
 */
function columnDoubt({ fields }: Fields): Doubt | null {
  if (!Array.isArray(fields)) return 'unparsable';
  const name = stringOf(fields.at(-1));
  if (name === null) return null; // t.*
  if (SEQUENCE_COLUMNS.has(name)) return 'sequence';
  return fields.length > 1 ? whyUnsafeAsColumn(name) : null;
}

/** `(x).name`: as above, and rare enough to be strict. A field of a composite type may be declared like a function. */
function indirectionDoubt({ indirection }: Fields, context: Context): Doubt | null {
  if (!Array.isArray(indirection)) return 'unparsable';
  for (const step of indirection) {
    const name = stringOf(step);
    const doubt = name === null ? null : functionDoubt([name], context);
    if (doubt) return doubt;
  }
  return null;
}

function cteDoubt({ ctequery }: Fields): Doubt | null {
  return WRITING.has(kindOf(ctequery) ?? '') ? 'writing-cte' : null;
}

/** Constants that name another session's or this session's temporary schema, for casts to regclass and the like. */
function constantDoubt({ sval }: Fields): Doubt | null {
  return isFields(sval) && typeof sval.sval === 'string' && /pg_temp/i.test(sval.sval)
    ? 'temporary-table'
    : null;
}

const VALUE_FUNCTIONS =
  /^SVFOP_(?:CURRENT_DATE|CURRENT_CATALOG|(?:CURRENT_TIME|CURRENT_TIMESTAMP|LOCALTIME|LOCALTIMESTAMP)(?:_N)?)$/;

/**
 * SQL/JSON that looks like a plain function call, JSON_VALUE(a, b), is one on servers that do not know it yet (before 16 or
 * 17): a call of a function of the user's. With a clause of its own (RETURNING, ON EMPTY, KEY … VALUE) it is an error there.
 */
const plainCall = (name: string | undefined, isPlain: boolean, context: Context): Doubt | null =>
  isPlain ? functionDoubt(name === undefined ? null : [name], context) : null;

const JSON_FUNCTIONS: Readonly<Record<string, string>> = {
  JSON_EXISTS_OP: 'json_exists',
  JSON_VALUE_OP: 'json_value',
  JSON_QUERY_OP: 'json_query',
};

function jsonFunctionDoubt(fields: Fields, context: Context): Doubt | null {
  const { op, passing, output, on_empty, on_error, wrapper, quotes } = fields;
  const clauses = [passing, output, on_empty, on_error].some((clause) => clause !== undefined);
  const isPlain = !clauses && wrapper === 'JSW_UNSPEC' && quotes === 'JS_QUOTES_UNSPEC';
  return plainCall(JSON_FUNCTIONS[String(op)], isPlain, context);
}

/** What beyond its place in the tree a node of a kind must fulfil. */
export const CHECKS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['CommonTableExpr', cteDoubt],
  ['RangeVar', tableDoubt],
  ['ColumnRef', columnDoubt],
  ['A_Indirection', indirectionDoubt],
  ['A_Const', constantDoubt],
  ['TypeName', typeDoubt],
  ['FuncCall', ({ funcname }, context) => functionDoubt(namesIn(funcname), context)],
  ['SortBy', ({ useOp }, context) => operatorDoubt(useOp, context)],
  ['SubLink', ({ operName }, context) => operatorDoubt(operName, context)],
  [
    'A_Expr',
    ({ kind, name }, context) => (/BETWEEN/.test(String(kind)) ? null : operatorDoubt(name ?? null, context)),
  ],
  [
    'RangeTableSample',
    ({ method }, context) => builtInOrDeclared(SAMPLING_METHODS, namesIn(method), context),
  ],
  ['SQLValueFunction', ({ op }) => (VALUE_FUNCTIONS.test(String(op)) ? null : 'session-function')],
  ['JsonFuncExpr', jsonFunctionDoubt],
  ['JsonScalarExpr', ({ output }, context) => plainCall('json_scalar', output === undefined, context)],
  ['JsonSerializeExpr', ({ output }, context) => plainCall('json_serialize', output === undefined, context)],
  [
    'JsonArrayConstructor',
    ({ output, absent_on_null }, context) =>
      plainCall('json_array', output === undefined && absent_on_null === true, context),
  ],
  [
    'JsonArrayAgg',
    ({ constructor: aggregate, absent_on_null }, context) =>
      plainCall(
        'json_arrayagg',
        absent_on_null === true && !(isFields(aggregate) && 'output' in aggregate),
        context,
      ),
  ],
]);
