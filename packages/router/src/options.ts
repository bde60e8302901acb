import { ENGINE_NAMES } from '@replication-lab/engines';
import { SEVERAL_NODES } from './session.ts';
import type { RouterOptions } from './types.ts';

const KNOWN: Readonly<Record<keyof RouterOptions, true>> = {
  engine: true,
  nodes: true,
  accounts: true,
  database: true,
  tokenKeys: true,
  pool: true,
  pollMs: true,
  maxLagMs: true,
  readTimeoutMs: true,
  writeTimeoutMs: true,
  primaryWaitMs: true,
  primaryWaiters: true,
  sessionWaitMs: true,
  primaryReads: true,
  safeFunctions: true,
};

/** Throws RangeError that names the wrong option and what it should be: a mistake stops the start, not the first call. */
export function checkOptions(options: RouterOptions): void {
  const unknown = Object.keys(options).find((key) => !Object.hasOwn(KNOWN, key));
  if (unknown)
    throw new RangeError(`${unknown}: there is no such option. Known: ${Object.keys(KNOWN).join(', ')}`);
  if (!ENGINE_NAMES.includes(options.engine)) {
    throw new RangeError(`engine: '${options.engine}' is none of ${ENGINE_NAMES.join(', ')}`);
  }
  if (!isText(options.database)) throw new RangeError('database: the name of a database is needed');
  checkAccounts(options.accounts);
  checkNodes(options.nodes);
  const { tokenKeys } = options;
  if (!Array.isArray(tokenKeys) || tokenKeys.some((key) => !isText(key))) {
    throw new RangeError(
      'tokenKeys: a list of keys is needed, none of them empty or not set. Each has at least 32 characters, for example of `openssl rand -base64 32`',
    );
  }
}

function checkAccounts(accounts: RouterOptions['accounts'] | undefined): void {
  for (const name of ['app', 'appReadOnly', 'monitor'] as const) {
    const account = accounts?.[name];
    if (!isText(account?.user) || typeof account?.password !== 'string') {
      throw new RangeError(`accounts.${name}: write it as { user: '…', password: '…' }`);
    }
  }
}

function checkNodes(nodes: RouterOptions['nodes'] | undefined): void {
  if (!Array.isArray(nodes) || nodes.length === 0) throw new RangeError('nodes: at least one node is needed');
  for (const [index, { name, host, port }] of nodes.entries()) {
    const isPort = Number.isInteger(port) && port >= 1 && port <= 65_535;
    if (!/^[\w.-]{1,64}$/.test(name ?? '') || !isText(host) || !isPort) {
      throw new RangeError(
        `nodes[${index}]: write it as { name: 'db-1', host: '10.0.0.1', port: 3306 }, the port as a number`,
      );
    }
  }
  for (const [index, { tls }] of nodes.entries()) checkTls(index, tls);
  const names = nodes.map(({ name }) => name);
  if (names.includes(SEVERAL_NODES)) throw new RangeError(`nodes: no node can be called ${SEVERAL_NODES}`);
  if (new Set(names).size !== names.length)
    throw new RangeError(`nodes: names repeat in ${names.join(', ')}`);
}

/** A mistake here must not mean clear text, or another authority than the one that was meant. */
function checkTls(index: number, tls: unknown): void {
  if (tls === undefined) return;
  const { ca, serverName, certificate } = (tls ?? {}) as Record<string, unknown>;
  const isPem = (text: unknown) => isText(text) && text.includes('-----BEGIN');
  const isPair = isPem(certificate) && String(certificate).includes('PRIVATE KEY');
  if (isPem(ca) && (serverName === undefined || isText(serverName)) && (certificate === undefined || isPair))
    return;
  throw new RangeError(
    `nodes[${index}].tls: leave it out, or write it as { ca: '-----BEGIN CERTIFICATE…' }, with serverName (a name or an address) ` +
      'and certificate (a certificate and its key in one PEM text) where they are needed',
  );
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
