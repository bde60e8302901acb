import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type { Caught } from '@replication-lab/catcher';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LabEvent } from '../src/status/events.ts';
import type { LabStatus } from '../src/status/types.ts';
import { waitFor } from '../src/wait.ts';
import { API_URL, NATIVE_ENGINES, processesNaming, TestLab, whyNot } from './support/lab.ts';
import { ReadLoad } from './support/load.ts';
import { WriteLoad, type Written } from './support/write-load.ts';

const DEADLINE_MS = 60_000;

for (const engine of NATIVE_ENGINES) {
  const reason = await whyNot(engine);
  if (reason) console.warn(`NOT RUN: the native lab with ${engine} and quorum commit: ${reason}`);

  describe.skipIf(reason !== null)(`the native lab with ${engine}, as it comes (DURABILITY=quorum)`, () => {
    let lab: TestLab;
    const acknowledged: Written[] = [];
    beforeAll(async () => {
      lab = await TestLab.make();
      // A busy machine may need longer for a switchover than a write waits by default.
      const patient = { PRIMARY_WAIT_MS: '4000' };
      const { stdout, stderr } = await lab.run(['up', '--runtime', 'native', '--engine', engine], patient);
      expect(stdout, stderr).toMatch(/^Up: \w+, replicated, quorum, native$/m);
    });
    afterAll(async () => {
      await lab.run(['down', '--volumes']);
      await rm(lab.stateDir, { recursive: true, force: true });
    });

    /** A primary that could be replaced, and two replicas that follow it. */
    const untilWhole = () =>
      waitFor(
        async () => {
          const status = await lab.status();
          const following = status.nodes.filter(({ up, replicating }) => up && replicating);
          return status.primary !== null && status.armed.ok && following.length === 2 ? status : null;
        },
        { what: 'the lab to be whole', timeoutMs: DEADLINE_MS },
      );

    /** All that was acknowledged is there, as the API tells it. */
    async function expectNothingLost(): Promise<void> {
      for (const { id, email } of acknowledged) {
        const headers = { 'Consistency-Level': 'primary' };
        const response = await fetch(`${API_URL}/users/${id}`, { headers });
        expect(await response.json()).toMatchObject({ id, email });
      }
    }

    it('is armed, and says who watches', async () => {
      // `up` waits for it.
      const status = await lab.status();
      expect(status).toMatchObject({ primary: 'db-1', epoch: 1, armed: { ok: true, reasons: [] } });
      expect(status.supervisors.map(({ phase }) => phase).sort()).toEqual(['passive', 'watching']);
    });

    it('replaces a primary that was killed, and loses neither a read nor an acknowledged write', async () => {
      const reads = new ReadLoad(`${API_URL}/users?limit=5`);
      const writes = new WriteLoad(`${API_URL}/users`);
      await writes.acknowledgedMore(20);
      await lab.must('fault', 'kill', 'db-1', '--background', '--for', '120s');
      const promoted = await waitFor(
        async () => {
          const status = await lab.status();
          return status.primary !== null && status.primary !== 'db-1' ? status : null;
        },
        { what: 'a replica to be promoted', timeoutMs: DEADLINE_MS },
      );
      expect(promoted.epoch).toBe(2);
      await writes.acknowledgedMore(20);
      expect((await reads.stop()).failures).toEqual([]);
      acknowledged.push(...(await writes.stop()));
      await expectNothingLost();
    });

    it('./lab events tells how, by time, with the proof', async () => {
      const { events } = JSON.parse(await lab.must('events', '--json')) as { events: LabEvent[] };
      expect(events.map(({ at }) => at)).toEqual(events.map(({ at }) => at).toSorted());
      const moments = ['suspected', 'confirmed', 'chosen', 'promoted', 'opened'];
      const told = events.filter(({ what }) => moments.includes(what));
      const end = told.findIndex(({ what, epoch }) => what === 'opened' && epoch === 2);
      const failover = told.slice(end - 4, end + 1);
      expect(failover.map(({ what }) => what)).toEqual(moments);
      expect(failover[2]).toMatchObject({ epoch: 1, old: { name: 'db-1' } });
      expect(failover[4]).toMatchObject({ epoch: 2, from: 'db-1', outageMs: expect.any(Number) });
      const lines = (await lab.must('events')).trimEnd().split('\n');
      const printed = events.map(({ at, supervisor, text }) => `${at}  ${supervisor}  ${text}`);
      expect(lines).toEqual(expect.arrayContaining(printed));
    });

    it('and the catcher shows the notice of it, by webhook and by mail', async () => {
      const { urls, primary } = await lab.status();
      const { notices } = await waitFor(
        async () => {
          const seen = (await (await fetch(`${urls.notices}notices`)).json()) as { notices: Caught[] };
          return seen.notices.filter(({ title }) => title.includes('epoch 2')).length === 2 ? seen : null;
        },
        { what: 'both notices', timeoutMs: DEADLINE_MS },
      );
      const [webhook, mail] = ['webhook', 'mail'].map((by) => notices.find(({ via }) => via === by)!);
      expect(JSON.parse(webhook!.text)).toMatchObject({
        ...{ kind: 'failover', from: 'db-1', to: primary, epoch: 2, outageMs: expect.any(Number) },
        proof: { node: primary, old: { name: 'db-1' } },
      });
      expect(mail).toMatchObject({ to: 'on-call@lab.test', text: expect.stringContaining('Proof:') });
      expect(await (await fetch(urls.notices!)).text()).toContain(webhook!.title);
    });

    it('the old primary comes back as a replica', async () => {
      await lab.must('heal');
      const status = await untilWhole();
      expect(status.epoch).toBe(2);
      expect(status.nodes.find(({ name }) => name === 'db-1')).toMatchObject({
        role: 'replica',
        readOnly: true,
      });
    });

    it('is not made a single db-1, which may lack what was acknowledged since', async () => {
      const { code, stdout } = await lab.run(['up', '--topology', 'single', '--json']);
      expect(code).toBe(1);
      expect(JSON.parse(stdout).error).toMatchObject({ code: 'wrong-primary' });
    });

    it('changes its primary on purpose, there and back, and no request fails', async () => {
      const { primary, epoch } = await untilWhole();
      const to = ['db-1', 'db-2', 'db-3'].find((name) => name !== primary)!;
      const reads = new ReadLoad(`${API_URL}/users?limit=5`);
      const fresh = new ReadLoad(`${API_URL}/users?limit=5`, 3, { 'Consistency-Level': 'primary' });
      const writes = new WriteLoad(`${API_URL}/users`);
      await writes.acknowledgedMore(20);
      const there = JSON.parse(await lab.must('switchover', '--to', to, '--json'));
      expect(there).toMatchObject({ from: primary, to, epoch: epoch + 1 });
      await writes.acknowledgedMore(20);
      await untilWhole();
      const back = JSON.parse(await lab.must('switchover', '--to', primary!, '--json'));
      expect(back).toMatchObject({ from: to, to: primary, epoch: epoch + 2 });
      console.log(`${engine}: closed to writes for ${there.closedMs} and ${back.closedMs} ms`);
      await writes.acknowledgedMore(20);
      await untilWhole();
      const loads = [reads, fresh];
      for (const load of loads) expect((await load.stop()).failures).toEqual([]);
      acknowledged.push(...(await writes.stop()));
      expect(writes.failures).toEqual([]);
      await expectNothingLost();
      const again = await lab.run(['switchover', '--to', primary!, '--json']);
      expect([again.code, JSON.parse(again.stdout).error.code]).toEqual([1, 'already-primary']);
    });

    it('goes on when the supervisor that acts is killed', async () => {
      const { supervisors } = await lab.status();
      const active = supervisors.find(({ phase }) => phase === 'watching')!.name;
      await lab.must('fault', 'kill', active, '--background', '--for', '120s');
      const status = await untilWhole();
      expect(status.supervisors.find(({ phase }) => phase === 'watching')?.name).not.toBe(active);
      await lab.must('heal');
    });

    // A MariaDB replica that was killed may have forgotten what it had confirmed: then only the old primary will do.
    const forgets = engine === 'mariadb';
    const outcome = forgets
      ? 'gets its office again, for its replicas may have forgotten'
      : 'is made anew by itself';
    it(`an old primary with writes that nobody confirmed ${outcome}`, async () => {
      const { primary } = await untilWhole();
      const replicas = ['db-1', 'db-2', 'db-3'].filter((name) => name !== primary);
      for (const name of replicas) await lab.must('fault', 'kill', name, '--background', '--for', '120s');
      const email = `${randomUUID()}@tail.test`;
      const unconfirmed = await fetch(`${API_URL}/users`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'Tail', email }),
        signal: AbortSignal.timeout(1500),
      }).catch(() => null);
      expect(unconfirmed?.status).not.toBe(201);
      await lab.must('fault', 'kill', primary!, '--background', '--for', '120s');
      for (const name of replicas) await lab.must('heal', name);
      const isDecided = ({ primary: now, armed }: LabStatus) =>
        forgets
          ? armed.reasons.some((reason) => reason.startsWith('received-lost'))
          : (now ?? primary) !== primary;
      await waitFor(async () => isDecided(await lab.status()), {
        what: forgets ? 'the supervisors to refuse' : 'a replica to be promoted',
        timeoutMs: DEADLINE_MS,
      });
      await lab.must('heal');
      const status = await untilWhole();
      expect(status.primary === primary).toBe(forgets);
      await expectNothingLost();
    });

    it('after a stop of everything it is opened again, armed, with all its data', async () => {
      const before = await untilWhole();
      await lab.must('down');
      expect(processesNaming(lab.stateDir)).toEqual([]);
      await lab.must('up', '--runtime', 'native', '--engine', engine);
      const status = await untilWhole();
      expect(status.epoch).toBe(before.epoch + 1);
      await expectNothingLost();
    });

    it('can be brought back to the textbook, where no supervisor watches', async () => {
      expect(await lab.must('up', '--durability', 'async')).toMatch(/may be lost; nobody is promoted/);
      const status = await lab.status();
      expect(status).toMatchObject({ armed: { ok: false }, supervisors: [] });
      expect(status.armed.reasons[0]).toMatch(/DURABILITY=async/);
      expect(status.primary).not.toBeNull();
      await expectNothingLost();
    });
  });
}
