import { existsSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { caFile } from '@replication-lab/certificates';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificatesDirectory } from '../src/native/layout.ts';
import { waitFor } from '../src/wait.ts';
import { API_URL, HTTPS_URL, NATIVE_ENGINES, processesNaming, TestLab, whyNot } from './support/lab.ts';
import { ReadLoad } from './support/load.ts';
import { shownBy } from './support/tls.ts';

const post = (name: string, email: string) =>
  fetch(`${API_URL}/users`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name, email }),
  });

for (const engine of NATIVE_ENGINES) {
  const reason = await whyNot(engine);
  if (reason) console.warn(`NOT RUN: the native lab with ${engine}: ${reason}`);

  describe.skipIf(reason !== null)(`the native lab with ${engine}`, () => {
    let lab: TestLab;
    let id = 0;
    beforeAll(async () => {
      lab = await TestLab.make('async');
    });
    afterAll(async () => {
      await lab.run(['down', '--volumes']);
      await rm(lab.stateDir, { recursive: true, force: true });
    });

    it('comes up within 30 s and says where', async () => {
      const startMs = performance.now();
      const up = JSON.parse(await lab.must('up', '--runtime', 'native', '--engine', engine, '--json'));
      // Printed, not judged: the promise (30 s) is for a machine that does nothing else.
      console.info(`[native ${engine}] up to ready: ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
      expect(up).toMatchObject({ engine, runtime: 'native', topology: 'replicated', alreadyUp: false });
      expect(up.urls.api).toBe(API_URL);
      expect((await fetch(`${API_URL}/readyz`)).status).toBe(200);
    });

    it('status is true of a lab in which all is well', async () => {
      const status = await lab.status();
      expect(status).toMatchObject({ primary: 'db-1', epoch: 1, vip: null, armed: { ok: false } });
      expect(status.nodes.map(({ role, up, readOnly }) => ({ role, up, readOnly }))).toEqual([
        { role: 'primary', up: true, readOnly: false },
        { role: 'replica', up: true, readOnly: true },
        { role: 'replica', up: true, readOnly: true },
      ]);
      for (const { lagMs } of status.nodes) expect(lagMs).toBeLessThan(5000);
      expect(status.apis.map(({ name, ready }) => `${name} ${ready}`)).toEqual([
        'api-1 true',
        'api-2 true',
        'api-3 true',
      ]);
    });

    it("puts the engine's own statements to every node", async () => {
      const { statements } = JSON.parse(await lab.must('status', '--verbose', '--json'));
      const of = (node: string) => statements.filter((answer: { node: string }) => answer.node === node);
      const text = JSON.stringify([of('db-2'), of('db-3')]);
      expect(statements.map(({ rows }: { rows: unknown }) => rows)).not.toContain(null);
      expect(
        text.match(engine === 'postgres' ? /"status":"streaming"/g : /_SQL_Running":"Yes"/g),
      ).toHaveLength(2);
      expect(JSON.stringify(of('db-1'))).toContain(
        engine === 'postgres' ? '"bytes_behind":"' : 'Binlog Dump',
      );
    });

    it('creates, reads, changes and removes a user through HAProxy', async () => {
      const created = await post('Ada', 'ada@example.test');
      expect(created.status).toBe(201);
      const user = (await created.json()) as { id: number; version: number };
      id = user.id;
      const token = { 'consistency-token': created.headers.get('consistency-token') ?? '' };
      const read = await fetch(`${API_URL}/users/${id}`, { headers: token });
      expect(await read.json()).toMatchObject({ id, name: 'Ada', version: 1 });
      const patched = await fetch(`${API_URL}/users/${id}`, {
        method: 'PATCH',
        headers: { 'content-type': 'application/json', 'if-match': '"1"' },
        body: JSON.stringify({ name: 'Ada L.' }),
      });
      expect(await patched.json()).toMatchObject({ name: 'Ada L.', version: 2 });
      const second = (await (await post('Bob', 'bob@example.test')).json()) as { id: number };
      expect((await fetch(`${API_URL}/users/${second.id}`, { method: 'DELETE' })).status).toBe(204);
    });

    it('a second up changes nothing', async () => {
      const pids = async () => readFile(join(lab.stateDir, 'run/api-1.pid'), 'utf8');
      const before = await pids();
      const up = JSON.parse(await lab.must('up', '--json'));
      expect(up).toMatchObject({ engine, alreadyUp: true });
      expect(await pids()).toBe(before);
    });

    it('loses no read when an API replica and a replica database die under load', async () => {
      const load = new ReadLoad(`${API_URL}/users?limit=5`);
      await lab.must('fault', 'kill', 'api-2', '--background', '--for', '60s');
      await lab.must('fault', 'kill', 'db-3', '--background', '--for', '60s');
      const broken = await lab.status();
      expect(broken.nodes[2]).toMatchObject({ up: false, condition: 'down', role: 'unknown' });
      expect(broken.apis[1]).toMatchObject({ name: 'api-2', ready: false, condition: 'down' });
      expect(broken.faults.map(({ name, node }) => `${name} ${node}`)).toEqual(['kill api-2', 'kill db-3']);
      await lab.must('heal');
      const result = await load.stop();
      expect(result.failures).toEqual([]);
      expect(result.answered).toBeGreaterThan(50);
      const healed = await lab.status();
      expect(healed.faults).toEqual([]);
      expect([...healed.nodes.map(({ up }) => up), ...healed.apis.map(({ ready }) => ready)]).not.toContain(
        false,
      );
    });

    it('shows a frozen node as frozen, at once, and thaws it at its time though the command was killed', async () => {
      // Longer than a look at the lab can take that began a moment before the freeze.
      const command = lab.start(['fault', 'freeze', 'db-2', '--for', '8s']);
      const said: string[] = [];
      command.all?.on('data', (chunk: Buffer) => said.push(chunk.toString()));
      await waitFor(async () => (await lab.status()).nodes[1]?.condition === 'frozen', {
        what: 'db-2 to be frozen',
        timeoutMs: 20_000,
      }).catch((error: Error) => {
        throw new Error(`${error.message}; the command said: ${said.join('')}`);
      });
      command.kill('SIGKILL');
      await command;
      const startMs = performance.now();
      const status = await lab.status();
      const tookMs = performance.now() - startMs;
      // It may have thawed already on a slow machine; then there is nothing to see.
      if (status.nodes[1]?.condition === 'frozen') {
        expect(status.nodes[1]).toMatchObject({ up: false, role: 'unknown' });
        expect(tookMs).toBeLessThan(5000);
      }
      await waitFor(async () => (await lab.status()).nodes[1]?.up === true, {
        what: 'db-2 to thaw',
        timeoutMs: 30_000,
      });
      expect((await lab.status()).faults).toEqual([]);
    });

    it('answers over TLS too, and renews all certificates under load without a failed request', async () => {
      const ca = await readFile(caFile(certificatesDirectory(lab.stateDir)), 'utf8');
      const before = await shownBy(HTTPS_URL, ca);
      expect(before.status).toBe(200);
      const load = new ReadLoad(`${API_URL}/users?limit=5`);
      const certificates = JSON.parse(await lab.must('certs', '--renew', '--json')) as { end: string }[];
      const result = await load.stop();
      expect(result.failures).toEqual([]);
      expect(result.answered).toBeGreaterThan(10);
      // The authority, HAProxy, of each node: the server, its agent, its replication (twice); three API replicas, two
      // supervisors, the catcher of notices, the exporter of the lab's figures.
      expect(certificates).toHaveLength(21);
      const after = await shownBy(HTTPS_URL, ca);
      expect(after).toMatchObject({ status: 200 });
      expect(after.serialNumber).not.toBe(before.serialNumber);
    });

    it('holds a replica back by the seconds asked for, and lets it go', async () => {
      await lab.must('fault', 'lag', 'db-2', '--by', '3s', '--for', '60s', '--background');
      const written = await post('Late', `late-${Date.now()}@example.test`);
      expect(written.status).toBe(201);
      const positions = async () => (await lab.status()).nodes.map(({ position }) => position);
      const [primary, late] = await positions();
      expect(late).not.toBe(primary);
      await lab.must('heal');
      await waitFor(async () => new Set(await positions()).size === 1, {
        what: 'db-2 to catch up',
        timeoutMs: 20_000,
      });
    });

    it('has no primary while it is dead, and one again after heal, with the next epoch', async () => {
      await lab.must('fault', 'kill', 'db-1', '--background', '--for', '60s');
      expect(await lab.status()).toMatchObject({ primary: null });
      await lab.must('heal');
      expect(await lab.status()).toMatchObject({ primary: 'db-1', epoch: 2 });
      await waitFor(async () => (await post('Eve', `eve-${Date.now()}@example.test`)).status === 201, {
        what: 'a write to be taken again',
        timeoutMs: 10_000,
      });
    });

    it('refuses what it cannot do, with the usage code', async () => {
      expect(await lab.run(['fault', 'kill', 'db-9'])).toMatchObject({ code: 2 });
      expect(await lab.run(['fault', 'lag', 'api-1'])).toMatchObject({ code: 2 });
      expect(await lab.run(['logs', 'nobody'])).toMatchObject({ code: 2 });
    });

    it('prints the logs of a part', async () => {
      expect(await lab.must('logs', 'db-1', 'api-1', '-n', '3')).toMatch(/db-1 .+\n.*api-1 /s);
    });

    it('down leaves data and nothing else, and up finds the data again', async () => {
      await lab.must('down');
      expect(processesNaming(lab.stateDir)).toEqual([]);
      expect((await readdir(lab.stateDir)).sort()).toEqual([engine, 'tls']);
      for (const node of ['db-1', 'db-2', 'db-3']) {
        expect(await readdir(join(lab.stateDir, engine, node))).toEqual(['data']);
      }
      expect(await lab.run(['status'])).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/\[not-up\]/),
      });

      await lab.must('up', '--runtime', 'native', '--engine', engine, '--topology', 'single');
      const single = await lab.status();
      expect(single).toMatchObject({ topology: 'single', primary: 'db-1' });
      expect(single.nodes).toHaveLength(1);
      expect(await (await fetch(`${API_URL}/users/${id}`)).json()).toMatchObject({ name: 'Ada L.' });
      await lab.must('up', '--topology', 'replicated');
      expect((await lab.status()).nodes.map(({ role }) => role)).toEqual(['primary', 'replica', 'replica']);
    });

    it('down --volumes leaves nothing at all', async () => {
      await lab.must('down', '--volumes');
      expect(existsSync(lab.stateDir)).toBe(false);
      expect(processesNaming(lab.stateDir)).toEqual([]);
    });
  });
}

describe.skipIf((await whyNot('mariadb')) !== null)('what stands in the way of up', () => {
  let lab: TestLab;
  beforeAll(async () => {
    lab = await TestLab.make('async');
  });
  afterAll(async () => {
    await lab.run(['down', '--volumes']);
    await rm(lab.stateDir, { recursive: true, force: true });
  });
  const up = ['up', '--runtime', 'native', '--engine', 'mariadb', '--json'];
  const errorOf = (stdout: string) => JSON.parse(stdout).error;

  it('a port in use: who has it, and how to take another', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 18_080 }, resolve));
    try {
      const { code, stdout } = await lab.run(up);
      expect(code).toBe(1);
      expect(errorOf(stdout)).toMatchObject({
        code: 'port-in-use',
        message: expect.stringMatching(new RegExp(`haproxy needs 127.0.0.1:18080.*process ${process.pid}`)),
        mend: expect.stringContaining('HTTP_PORT=18081 ./lab up'),
      });
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
    expect(processesNaming(lab.stateDir)).toEqual([]);
  });

  it('a state directory that the servers cannot enter', async () => {
    if (process.getuid?.() !== 0) return;
    const hidden = join(lab.stateDir, 'hidden');
    await import('node:fs/promises').then(({ mkdir }) => mkdir(hidden, { mode: 0o700 }));
    const { stdout } = await lab.run(up, { LAB_STATE_DIR: join(hidden, 'lab') });
    expect(errorOf(stdout)).toMatchObject({
      code: 'state-dir-not-enterable',
      mend: expect.stringMatching(/LAB_STATE_DIR/),
    });
  });

  it('a socket path that would be too long', async () => {
    const { stdout } = await lab.run(up, { LAB_STATE_DIR: join(lab.stateDir, 'x'.repeat(100)) });
    expect(errorOf(stdout)).toMatchObject({ code: 'socket-path-too-long' });
  });

  it('state.json that is garbage', async () => {
    const { writeFile, mkdir } = await import('node:fs/promises');
    const dir = join(lab.stateDir, 'garbage');
    await mkdir(dir, { recursive: true });
    await writeFile(join(dir, 'state.json'), '{');
    const { stdout } = await lab.run(['status', '--json'], { LAB_STATE_DIR: dir });
    expect(errorOf(stdout)).toMatchObject({
      code: 'state-unreadable',
      mend: expect.stringContaining('remove'),
    });
  });

  it('Ctrl-C in the middle leaves no process', async () => {
    const command = lab.start(up);
    await waitFor(() => processesNaming(`${lab.stateDir}/mariadb`).length > 0, {
      what: 'the first server to start',
      timeoutMs: 20_000,
    });
    command.kill('SIGINT');
    expect((await command).exitCode).toBe(1);
    expect(processesNaming(`${lab.stateDir}/mariadb`)).toEqual([]);
  });
});
