import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { hasAddress, interfaceOf, renderConfiguration } from '../src/keepalived.ts';

const template = await readFile(
  new URL('../../../infra/keepalived/keepalived.conf.template', import.meta.url),
  'utf8',
);
const settings = {
  node: 'db-1',
  interface: 'eth0',
  address: '172.28.0.11',
  peers: ['172.28.0.12', '172.28.0.13'],
  vip: '172.28.0.100/24',
};

test('fills in every place of the template', () => {
  const text = renderConfiguration(template, settings);
  expect(text).not.toMatch(/[{}]{2}/);
  expect(text).toContain('unicast_src_ip 172.28.0.11');
  expect(text).toContain('172.28.0.100/24 dev eth0');
});

test('gives each peer a line of its own: keepalived reads the rest of the line as options', () => {
  const lines = renderConfiguration(template, settings)
    .split('\n')
    .map((line) => line.trim());
  expect(lines).toContain('172.28.0.12');
  expect(lines).toContain('172.28.0.13');
});

test('refuses a template that names something unknown', () => {
  expect(() => renderConfiguration('{{nonsense}}', settings)).toThrow('nonsense');
});

test('finds the interface of an address', () => {
  expect(interfaceOf('127.0.0.1')).toEqual({ name: 'lo', prefix: 8 });
  expect(() => interfaceOf('192.0.2.1')).toThrow('192.0.2.1');
  expect(hasAddress('127.0.0.1')).toBe(true);
  expect(hasAddress('192.0.2.1')).toBe(false);
});
