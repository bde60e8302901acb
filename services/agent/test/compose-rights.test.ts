import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { repository } from './support/docker.ts';

// Every service may do as little as it can. What one may do all the same is listed here, with the reason.

const composeFile = z.object({
  services: z.record(
    z.string(),
    z.object({
      image: z.string(),
      user: z.string().default('root'),
      read_only: z.boolean().default(false),
      privileged: z.boolean().default(false),
      security_opt: z.array(z.string()).default([]),
      cap_drop: z.array(z.string()).default([]),
      cap_add: z.array(z.string()).default([]),
      mem_limit: z.string().optional(),
      network_mode: z.string().optional(),
      networks: z
        .union([z.array(z.string()), z.record(z.string(), z.unknown()).transform(Object.keys)])
        .default([]),
      sysctls: z.record(z.string(), z.string()).default({}),
      ports: z.array(z.string()).default([]),
      volumes: z.array(z.string()).default([]),
      environment: z.record(z.string(), z.string()).default({}),
    }),
  ),
});

const text = readFileSync(join(repository, 'docker-compose.yml'), 'utf8');
const services = Object.entries(composeFile.parse(parse(text, { merge: true, maxAliasCount: -1 })).services);

/** `db-1`, `db-2` and `db-3` are one case. */
const kindOf = (name: string): string => name.replace(/-\d$/, '');
const DATABASES = ['mysql', 'mariadb', 'postgres'];
const ofDatabases = (reason: string) => Object.fromEntries(DATABASES.map((kind) => [kind, reason]));

const WRITES_TO_ITS_FILE_SYSTEM = ofDatabases(
  'the images make sockets, process files and settings in many places',
);

const IS_ROOT: Record<string, string> = {
  ...ofDatabases('begins as root, to own its directories; the server itself runs as the user of the image'),
  db: 'keepalived sets an address',
  certificates: 'gives each file to the user who reads it',
  haproxy: 'not root: the image begins as its own user, haproxy',
  k6: 'writes into a directory of whoever calls it; K6_USER makes it another user',
};

const HAS_NO_MEMORY_LIMIT: Record<string, string> = {
  k6: 'runs only when it is called, and needs what the load needs',
};

const DATABASE = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'KILL', 'SETGID', 'SETUID'];
/** The reasons are beside each in docker-compose.yml. */
const CAPABILITIES: Record<string, readonly string[]> = {
  ...Object.fromEntries(DATABASES.map((kind) => [kind, DATABASE])),
  db: ['NET_ADMIN', 'NET_RAW', 'SETGID'],
  certificates: ['CHOWN', 'DAC_OVERRIDE'],
  k6: ['DAC_OVERRIDE'],
};

/** Whoever is on no network is named by its `network_mode`. */
const NETWORKS: Record<string, readonly string[]> = {
  // `metrics` has nobody but these two: Prometheus asks, and listens on the back network only.
  haproxy: ['front', 'metrics'],
  prometheus: ['lab', 'metrics'],
  k6: ['front'],
  api: ['front', 'lab'],
  ...Object.fromEntries(
    ['bootstrap', 'catcher', 'db', 'supervisor', 'lab-exporter', 'alertmanager', 'grafana'].map((kind) => [
      kind,
      ['lab'],
    ]),
  ),
};

test('every kind of service is looked at, and every exception is of one', () => {
  expect(services.length).toBeGreaterThan(20);
  const kinds = new Set(services.map(([name]) => kindOf(name)));
  const excepted = [WRITES_TO_ITS_FILE_SYSTEM, IS_ROOT, HAS_NO_MEMORY_LIMIT, CAPABILITIES, NETWORKS].flatMap(
    Object.keys,
  );
  expect(excepted.filter((kind) => !kinds.has(kind))).toEqual([]);
});

// An exception that is no longer needed fails as well: it is to be taken off the list.
describe.each(services)('%s', (name, service) => {
  const kind = kindOf(name);

  test('gains no rights: no capability but those of the list, never privileged', () => {
    expect(service.security_opt).toEqual(['no-new-privileges:true']);
    expect(service.privileged).toBe(false);
    expect(service.cap_drop).toEqual(['ALL']);
    expect([...service.cap_add].sort()).toEqual([...(CAPABILITIES[kind] ?? [])].sort());
  });

  test('has a read-only file system, a user and a limit of memory', () => {
    expect(!service.read_only).toBe(kind in WRITES_TO_ITS_FILE_SYSTEM);
    expect(/^(root|0|\$\{K6_USER:-0:0\})(:|$)/.test(service.user)).toBe(kind in IS_ROOT);
    expect(service.mem_limit === undefined).toBe(kind in HAS_NO_MEMORY_LIMIT);
  });

  test('reaches nothing of the machine, and is reached from this machine only', () => {
    expect(service.ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
    expect(service.network_mode ?? 'none').toMatch(/^(none|service:db-\d)$/);
    const fromMachine = service.volumes.filter((volume) => /^[./~]/.test(volume));
    const allowed = /^\.\/(infra|load-tests)[\w/-]*:[^:]+:ro$|^\.\/results:\/results$/;
    expect(fromMachine.filter((volume) => !allowed.test(volume))).toEqual([]);
  });

  test('is on no network but those that it needs, and joins none to another', () => {
    expect(service.networks).toEqual(NETWORKS[kind] ?? []);
    expect(service.network_mode === undefined).toBe(kind in NETWORKS);
    expect(service.sysctls).toEqual(service.networks.length > 1 ? { 'net.ipv4.ip_forward': '0' } : {});
  });

  test('has no secret written into it: what is secret comes from .env', () => {
    const secret = Object.entries(service.environment).filter(([key]) =>
      /PASSWORD|TOKEN|SECRET|_KEYS?$/.test(key),
    );
    // The fallbacks are those of .env, public and recognisable as such.
    for (const [, value] of secret) expect(value).toMatch(/^\$\{[A-Z_]+:-lab-[a-z0-9-]+\}$/);
  });
});

test('no key and no address with a password in it', () => {
  expect(text).not.toMatch(/PRIVATE KEY|:\/\/[^\s/:@]+:[^\s/@]+@/);
});
