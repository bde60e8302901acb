import { expect, test } from 'vitest';
import { checkOptions } from '../src/options.ts';
import type { RouterOptions } from '../src/types.ts';

const account = { user: 'app', password: 'secret' };
const node = { name: 'db-1', host: '127.0.0.1', port: 5432 };
const PEM = '-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n';
const good: RouterOptions = {
  engine: 'postgres',
  nodes: [node],
  accounts: { app: account, appReadOnly: account, monitor: account },
  database: 'shop',
  tokenKeys: ['a-key-of-more-than-thirty-two-characters'],
};

test('what is right passes', () => {
  expect(() => checkOptions(good)).not.toThrow();
  const tls = { ca: PEM, serverName: 'db.example', certificate: `${PEM}-----BEGIN PRIVATE KEY-----` };
  expect(() => checkOptions({ ...good, nodes: [{ ...node, tls }] })).not.toThrow();
});

/** As callers without types write them. */
test.each<[string, Record<string, unknown>, RegExp]>([
  ['another engine', { engine: 'postgresql' }, /^engine: 'postgresql' is none of mysql, mariadb, postgres/],
  ['a mistyped option', { readTimeoutMS: 5 }, /^readTimeoutMS: there is no such option/],
  ['no database', { database: undefined }, /^database: /],
  ['no accounts', { accounts: undefined }, /^accounts\.app: /],
  ['an account left out', { accounts: { app: account, monitor: account } }, /^accounts\.appReadOnly: /],
  ['no nodes', { nodes: [] }, /^nodes: at least one/],
  ['a port as text', { nodes: [{ ...node, port: '5432' }] }, /^nodes\[0\]: .* as a number/],
  ['no port', { nodes: [{ name: 'db-1', host: 'h' }] }, /^nodes\[0\]: /],
  ['a name that does not fit into a token', { nodes: [{ ...node, name: 'db 1' }] }, /^nodes\[0\]: /],
  ...[true, null, '', 'ca.pem', {}, { ca: '' }, { ca: '/etc/ca.pem' }, { ca: PEM, serverName: '' }].map(
    (tls): [string, Record<string, unknown>, RegExp] => [
      `tls: ${JSON.stringify(tls)}`,
      { nodes: [{ ...node, tls }] },
      /^nodes\[0\]\.tls: /,
    ],
  ),
  [
    'a certificate without its key',
    { nodes: [{ ...node, tls: { ca: PEM, certificate: PEM } }] },
    /^nodes\[0\]\.tls: /,
  ],
  ['one name for two', { nodes: [node, node] }, /^nodes: names repeat/],
  ['a reserved name', { nodes: [{ ...node, name: '-several-' }] }, /^nodes: no node can be called/],
  ['a key that is not set', { tokenKeys: [undefined] }, /^tokenKeys: .*openssl/],
  ['no keys', { tokenKeys: undefined }, /^tokenKeys: /],
])('%s is refused by its name', (_, wrong, message) => {
  expect(() => checkOptions({ ...good, ...wrong } as RouterOptions)).toThrow(message);
  expect(() => checkOptions({ ...good, ...wrong } as RouterOptions)).toThrow(RangeError);
});
