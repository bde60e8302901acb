import { execFile, spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { conditionOf, parseContainers, serviceOf } from '../src/docker/containers.ts';
import { cutOffScript } from '../src/docker/cut.ts';
import { askScript, splitAnswers, whoAsks } from '../src/docker/inside.ts';

const one = { ID: 'a1', Service: 'mysql-1', State: 'running', Health: 'healthy', Publishers: null };
const two = { ID: 'b2', Service: 'mysql-2', State: 'paused' };

describe('docker compose ps', () => {
  it('is read in both of its forms', () => {
    const lines = [one, two].map((item) => JSON.stringify(item)).join('\n');
    const parsed = parseContainers(`${lines}\n`);
    expect(parsed).toEqual(parseContainers(JSON.stringify([one, two])));
    expect(parsed[1]).toMatchObject({ Health: '', Publishers: [] });
    expect(parseContainers('\n')).toEqual([]);
  });

  it('tells running, frozen and gone apart', () => {
    const containers = parseContainers(
      JSON.stringify([one, two, { ...two, Service: 'mysql-3', State: 'exited' }]),
    );
    expect(['mysql-1', 'mysql-2', 'mysql-3', 'api-1'].map((name) => conditionOf(containers, name))).toEqual([
      ...['running', 'frozen', 'down', 'down'],
    ]);
  });

  it('breaks the database of a node, not its host', () => {
    expect(serviceOf('postgres', 'db-3')).toBe('postgres-3');
    expect(serviceOf('postgres', 'api-1')).toBe('api-1');
  });
});

describe('questions from inside the network', () => {
  it('are asked by the catcher before any host, which may be cut off', () => {
    const running = (Service: string, State = 'running') => ({ ...one, Service, State });
    const of = (...services: object[]) => whoAsks(parseContainers(JSON.stringify(services)));
    expect(of(running('db-1'), running('catcher'))).toBe('catcher');
    expect(of(running('catcher', 'exited'), running('db-1', 'paused'), running('db-2'))).toBe('db-2');
    expect(of(running('api-1'), running('mysql-1'))).toBeNull();
  });

  it.skipIf(spawnSync('curl', ['--version']).status !== 0)(
    'are asked all at once, and each answer finds its question',
    async () => {
      const answer = { name: 'db-1', big: 'x'.repeat(9000) };
      const server = createServer((request, response) => {
        if (request.url === '/silent') return;
        response.statusCode = request.url === '/down' ? 503 : 200;
        if (request.method === 'POST') return void request.pipe(response);
        response.end(`${JSON.stringify(answer)}\n`);
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const closed = 'http://127.0.0.1:9/';
      try {
        const script = askScript([`${base}/a`, closed, `${base}/down`, `${base}/silent`], 700);
        const run = (text: string) =>
          new Promise<string>((resolve, reject) => {
            execFile('sh', ['-c', text], (error, stdout) => (error ? reject(error) : resolve(stdout)));
          });
        const answers = splitAnswers(await run(script));
        const body = { to: "it's" };
        const posted = splitAnswers(await run(askScript([`${base}/a`], 700, { body })));
        expect(posted.get(0)).toEqual({ status: 200, body });
        expect(answers.get(0)).toEqual({ status: 200, body: answer });
        expect(answers.get(1)).toBeUndefined();
        expect(answers.get(2)).toEqual({ status: 503, body: answer });
        expect(answers.get(3)).toBeUndefined();
      } finally {
        server.closeAllConnections();
        server.close();
      }
    },
  );
});

describe('a cut', () => {
  const both = { from: ['db-2', 'supervisor-1'], direction: 'both', share: 1 } as const;
  const drops = (script: string) => script.split('\n').filter((line) => line.includes('DROP'));

  it('looks all names up before anything is dropped, and fails where none has an address', () => {
    const lines = cutOffScript(both).split('\n');
    expect(lines[1]).toContain('getent ahostsv4 db-2 supervisor-1');
    expect(lines[2]).toContain('exit 1');
    expect(lines.findIndex((line) => line.includes('DROP'))).toBeGreaterThan(2);
  });

  it('leaves out who is on another network, whose name the host does not know', () => {
    expect(cutOffScript({ ...both, from: ['haproxy', 'db-2'] })).toContain('ahostsv4 db-2 |');
    expect(() => cutOffScript({ ...both, from: ['haproxy'] })).toThrow('no link to haproxy');
  });

  it('drops both ways, one way, or a share of the packets', () => {
    expect(drops(cutOffScript(both))).toHaveLength(2);
    const out = drops(cutOffScript({ ...both, direction: 'out', share: 0.3 }));
    expect(out).toHaveLength(1);
    expect(out[0]).toMatch(/LAB-CUT-OUT -d .* --mode random --probability 0\.3 -j DROP/);
  });
});
