import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LabError } from '../src/errors.ts';
import { faultId, listRecords, readRecord, removeRecord, writeRecord } from '../src/faults/records.ts';
import { withLock } from '../src/lock.ts';
import { type LabState, readState, removeState, requireState, writeState } from '../src/state.ts';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lab-test-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const state: LabState = {
  ...{ version: 1, engine: 'mariadb', runtime: 'native', topology: 'replicated', phase: 'up' },
  ...{
    startedAt: '2026-11-23T00:00:00.000Z',
    checkout: '/somewhere',
    with: [],
    capCpus: null,
    durability: 'async',
  },
  ...{
    httpPort: 8080,
    statsPort: 8404,
    httpsPort: 8443,
    certificates: true,
    https: ['agents', 'api'],
    noticesPort: 8025,
    monitoringPorts: { prometheus: 9090, alertmanager: 9093, grafana: 3000 },
    loopback: '127.0',
    netPrefix: '172.28.0',
  },
};

describe('state.json', () => {
  it('comes back as it was written, and leaves nothing beside it', async () => {
    await writeState(dir, state);
    expect(await readState(dir)).toEqual(state);
    expect(await readdir(dir)).toEqual(['state.json']);
    await removeState(dir);
    expect(await readState(dir)).toBeNull();
  });

  it('is nothing where there is no lab, and not-up where one is needed', async () => {
    expect(await readState(join(dir, 'none'))).toBeNull();
    await expect(requireState(dir)).rejects.toMatchObject({ code: 'not-up', mend: './lab up' });
  });

  it.each(['', '{', '{"version":2}', JSON.stringify({ ...state, engine: 'oracle' })])(
    'that is garbage (%j) is a clear error, never guessed at',
    async (text) => {
      await writeFile(join(dir, 'state.json'), text);
      await expect(readState(dir)).rejects.toMatchObject({ code: 'state-unreadable' });
    },
  );
});

describe('fault records', () => {
  const record = {
    ...{
      id: faultId('kill', 'db-2'),
      fault: 'kill',
      part: 'db-2',
      settings: {},
      healer: null,
      lastError: null,
    },
    ...{ appliedAtMs: 1, healAtMs: 2 },
  };

  it('are listed until they are removed; others are not taken for one', async () => {
    expect(await listRecords(dir)).toEqual([]);
    await writeRecord(dir, record);
    await writeFile(join(dir, 'faults', 'garbage.json'), '{');
    expect(await listRecords(dir)).toEqual([record]);
    await removeRecord(dir, record.id);
    expect(await readRecord(dir, record.id)).toBeNull();
  });
});

describe('withLock', () => {
  const lock = { name: 'lab', purpose: 'testing', waitMs: 200 };

  it('lets one in at a time and names the holder', async () => {
    const inside: string[] = [];
    const first = withLock(dir, lock, async () => {
      await expect(withLock(dir, lock, async () => {})).rejects.toMatchObject({
        code: 'busy',
        mend: expect.stringContaining(`process ${process.pid} (testing)`),
      });
      inside.push('first');
    });
    await first;
    await withLock(dir, lock, async () => inside.push('second'));
    expect(inside).toEqual(['first', 'second']);
    expect(await readdir(dir)).toEqual([]);
  });

  it('does not wait for the dead', async () => {
    const dead = { pid: 2 ** 22 - 1, startTicks: '1', bootId: 'another', purpose: 'up' };
    await writeFile(join(dir, 'lab.lock'), JSON.stringify(dead));
    expect(await withLock(dir, lock, async () => 'in')).toBe('in');
  });

  it('is released when the work fails', async () => {
    await expect(
      withLock(dir, lock, async () => {
        throw new LabError('x', 'x');
      }),
    ).rejects.toThrow('x');
    expect(await withLock(dir, lock, async () => 'in')).toBe('in');
  });
});
