import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { sweepOnce } from '../../src/sweeper.ts';
import type { User } from '../../src/users/schemas.ts';
import { type Api, IDEMPOTENCY_WAIT_MS } from '../support/api.ts';
import { create, type Lab, newEmail, problem } from '../support/lab.ts';

/** A POST that is repeated: by an impatient client, by two at once, by one whose answer was lost. */
export function idempotencySuite(lab: Lab): void {
  describe('an idempotency key', () => {
    const post = (api: Api, key: string, body: unknown) =>
      api.call<User>('POST', '/users', { body, headers: { 'Idempotency-Key': key } });
    const newUser = () => ({ name: 'Grace', email: newEmail() });
    const usersWith = async (email: string) =>
      Number(
        (await lab.asAdmin(`select count(*) as n from ${lab.table('users')} where email = '${email}'`))[0]?.n,
      );

    test('gets the same answer each time, from any replica of the API, and makes one row', async () => {
      const key = randomUUID();
      const body = newUser();
      const first = await post(lab.one, key, body);
      expect([first.status, first.headers.get('Idempotent-Replay')]).toEqual([201, null]);
      await lab.one.call('PATCH', `/users/${first.body.id}`, { body: { name: 'changed since' } });
      for (const api of [lab.two, lab.one]) {
        const again = await post(api, key, ` {"email": "${body.email}",  "name": "Grace"}`);
        expect([again.status, again.body]).toEqual([201, first.body]);
        expect(again.headers.get('Idempotent-Replay')).toBe('true');
        expect(again.headers.get('Location')).toBe(first.headers.get('Location'));
        expect(again.headers.get('Data-Node')).toBe('db-1');
      }
      expect(await usersWith(body.email)).toBe(1);
    });

    test('belongs to one body', async () => {
      const key = randomUUID();
      await post(lab.one, key, newUser());
      expect(problem(await post(lab.two, key, newUser()))).toEqual([422, 'idempotency-key-reuse']);
    });

    test('tells capitals apart', async () => {
      const key = `key-${randomUUID()}`;
      const first = await post(lab.one, key, newUser());
      const second = await post(lab.one, key.toUpperCase(), newUser());
      expect([first.status, second.status]).toEqual([201, 201]);
    });

    test('of a request that was refused can be used again', async () => {
      const key = randomUUID();
      const body = newUser();
      const { body: holder } = await create(lab.one, 'Holder', body.email);
      expect(problem(await post(lab.one, key, body))).toEqual([409, 'email-taken']);
      expect(problem(await post(lab.one, key, body))).toEqual([409, 'email-taken']);
      await lab.one.call('DELETE', `/users/${holder.id}`);
      expect((await post(lab.two, key, body)).status).toBe(201);
    });

    test('sent twenty times at once makes one row, and all get it', async () => {
      const key = randomUUID();
      const body = newUser();
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, i) => post(i % 2 ? lab.one : lab.two, key, body)),
      );
      expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(201));
      expect(new Set(answers.map(({ body: { id } }) => id)).size).toBe(1);
      expect(answers.filter(({ headers }) => headers.get('Idempotent-Replay') === null)).toHaveLength(1);
      expect(await usersWith(body.email)).toBe(1);
    });

    test('sent twenty times at once with a taken address is refused each time', async () => {
      const { body: holder } = await create(lab.one);
      const key = randomUUID();
      const body = { name: 'Late', email: holder.email };
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, i) => post(i % 2 ? lab.one : lab.two, key, body)),
      );
      expect(new Set(answers.map((answer) => problem(answer).join()))).toEqual(new Set(['409,email-taken']));
    });

    test('whose original is still under way is waited for, to a deadline', async () => {
      const key = randomUUID();
      const body = newUser();
      await using original = await lab.cluster.admin('db-1');
      await original.query('begin');
      await original.query(
        `insert into ${lab.table('idempotency_keys')} (idempotency_key, body_hash, created_at)
         values ('${key}', '${'0'.repeat(64)}', current_timestamp(3))`,
      );
      const startedAt = performance.now();
      const pending = await post(lab.one, key, body);
      const waitedMs = performance.now() - startedAt;
      expect(problem(pending)).toEqual([409, 'idempotency-in-progress']);
      expect(pending.headers.get('Retry-After')).toBe('1');
      expect(waitedMs).toBeGreaterThan(IDEMPOTENCY_WAIT_MS / 2);
      expect(waitedMs).toBeLessThan(IDEMPOTENCY_WAIT_MS + 2000);

      const waiting = post(lab.one, key, body);
      await original.query('rollback');
      expect((await waiting).status).toBe(201);
    });

    test('is forgotten after a day', async () => {
      const age = async (key: string) =>
        lab.asAdmin(
          `update ${lab.table('idempotency_keys')} set created_at = current_timestamp(3) - interval '25' hour
           where idempotency_key = '${key}'`,
        );
      const [met, unmet, young] = [randomUUID(), randomUUID(), randomUUID()];
      for (const key of [met, unmet, young]) await post(lab.one, key, newUser());
      await age(met);
      await age(unmet);
      const renewed = await post(lab.two, met, newUser());
      expect([renewed.status, renewed.headers.get('Idempotent-Replay')]).toEqual([201, null]);

      expect(await sweepOnce(lab.one.db)).toBe(1);
      expect(await sweepOnce(lab.one.db)).toBe(0);
      const left = await lab.asAdmin(
        `select idempotency_key from ${lab.table('idempotency_keys')}
         where idempotency_key in ('${met}', '${unmet}', '${young}')`,
      );
      expect(left.map((row) => row.idempotency_key).sort()).toEqual([met, young].sort());
    });
  });
}
