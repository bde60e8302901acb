import { describe, expect, it } from 'vitest';
import { judge } from '../src/status/judge.ts';
import { renderStatus } from '../src/status/render.ts';
import { renderStatements } from '../src/status/render-statements.ts';
import { stalenessFrom } from '../src/status/staleness.ts';
import { answerOf, STATEMENTS } from '../src/status/statements.ts';
import type { LabObservation, NodeAnswer, NodeObservation } from '../src/status/types.ts';

const primary: NodeAnswer = {
  ...{ role: 'primary', readOnly: false, position: '0-1-36', epoch: 2 },
  ...{ replicating: null, source: null, engineLagMs: null },
};
const replica: NodeAnswer = {
  ...{ role: 'replica', readOnly: true, position: '0-1-35', epoch: 2 },
  ...{ replicating: true, source: '127.0.10.1', engineLagMs: 2000 },
};

const node = (
  name: string,
  answer: NodeAnswer | null,
  condition: NodeObservation['condition'] = 'running',
) => ({
  ...{ name, answer, condition },
  address: `127.0.10.${name.slice(-1)}:3306`,
});

const lab = (over: Partial<LabObservation> = {}): LabObservation => ({
  engine: 'mariadb',
  runtime: 'native',
  topology: 'replicated',
  durability: 'async',
  urls: { api: 'http://127.0.0.1:8080', haproxyStats: 'http://127.0.0.1:8404/' },
  nodes: [node('db-1', primary), node('db-2', replica), node('db-3', replica)],
  apis: [{ name: 'api-1', condition: 'running', ready: true }],
  supervisors: [],
  haproxy: { name: 'haproxy', condition: 'running', ready: true },
  staleness: { 'db-2': 45.4, 'db-3': null },
  vip: null,
  capCpus: null,
  faults: [],
  ...over,
});

describe('judge', () => {
  it('names the primary, its epoch, and each lag by the best source there is', () => {
    const status = judge(lab());
    expect(status).toMatchObject({ primary: 'db-1', epoch: 2, armed: { ok: false } });
    expect(status.armed.reasons[0]).toMatch(/no supervisor/);
    expect(status.nodes.map(({ lagMs }) => lagMs)).toEqual([0, 45, 2000]);
  });

  it('knows nothing of a node that does not answer', () => {
    const status = judge(
      lab({ nodes: [node('db-1', null, 'frozen'), node('db-2', replica), node('db-3', null, 'down')] }),
    );
    expect(status.primary).toBeNull();
    expect(status.epoch).toBe(2);
    expect(status.nodes[0]).toMatchObject({
      ...{ up: false, role: 'unknown', condition: 'frozen' },
      ...{ readOnly: null, position: null, lagMs: null },
    });
    expect(status.nodes[2]).toMatchObject({ up: false, condition: 'down' });
  });

  it('takes a returned primary of an older epoch for no primary, and two of one epoch for none', () => {
    const old = { ...primary, epoch: 1 };
    expect(judge(lab({ nodes: [node('db-1', old), node('db-2', primary)] })).primary).toBe('db-2');
    expect(judge(lab({ nodes: [node('db-1', primary), node('db-2', primary)] })).primary).toBeNull();
  });

  it('is true when everything is down', () => {
    const nodes = ['db-1', 'db-2', 'db-3'].map((name) => node(name, null, 'down'));
    const status = judge(lab({ nodes, staleness: {} }));
    expect(status).toMatchObject({ primary: null, epoch: 0 });
    expect(status.nodes.every(({ up, lagMs }) => !up && lagMs === null)).toBe(true);
  });
});

describe('stalenessFrom', () => {
  it('takes the smallest bound, and leaves out answers that are none', () => {
    const answer = (ms: number | null) => ({ nodes: [{ name: 'db-2', stalenessMs: ms, more: 1 }] });
    expect(stalenessFrom([answer(90), null, 'x', { nodes: 3 }, answer(30), answer(null)])).toEqual({
      'db-2': 30,
    });
    expect(stalenessFrom([answer(null)])).toEqual({ 'db-2': null });
    expect(stalenessFrom([])).toEqual({});
  });
});

describe('renderStatus', () => {
  it('says in words what is wrong, without relying on colour', () => {
    const text = renderStatus(
      judge(
        lab({
          nodes: [
            node('db-1', null, 'frozen'),
            node('db-2', { ...replica, replicating: false }),
            node('db-3', null),
          ],
          faults: [{ name: 'freeze', node: 'db-1', healsInMs: 4200 }],
        }),
      ),
    );
    expect(text).toMatch(/primary: .*none/);
    expect(text).toMatch(/db-1.*frozen.*unknown/);
    expect(text).toMatch(/db-2.*not replicating/);
    expect(text).toMatch(/db-3.*no answer/);
    expect(text).toMatch(/freeze on db-1, heals in 4\.2 s/);
    expect(text).toMatch(/no virtual IP/);
  });

  it('shortens a long position from its front', () => {
    const position = `${'a'.repeat(300)}:1-12345`;
    const text = renderStatus(judge(lab({ nodes: [node('db-1', { ...primary, position })] })));
    expect(text).toMatch(/…a+:1-12345/);
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThan(160);
  });
});

describe('who would replace the primary', () => {
  const supervisor = (name: string, phase: string, reasons: readonly string[] = []) => ({
    ...{ name, condition: 'running' as const, ready: true },
    says: { phase, armed: phase === 'watching', unarmed: [], reasons },
  });
  const quorum = (...supervisors: ReturnType<typeof supervisor>[]) =>
    judge(lab({ durability: 'quorum', supervisors })).armed;

  it('the supervisor that acts, when it watches', () => {
    expect(quorum(supervisor('supervisor-1', 'passive'), supervisor('supervisor-2', 'watching')).ok).toBe(
      true,
    );
    const refusing = supervisor('supervisor-2', 'refusing', ['voter-silent: db-3']);
    expect(quorum(refusing).reasons).toEqual(['supervisor-2 is refusing', 'voter-silent: db-3']);
  });

  it('nobody, where none acts; each reason is said once', () => {
    const why = 'no-lock-majority: 1 of 3 locks, and 2 are needed';
    const passive = ['supervisor-1', 'supervisor-2'].map((name) => supervisor(name, 'passive', [why]));
    expect(quorum(...passive)).toEqual({ ok: false, reasons: ['no supervisor acts', why] });
  });
});

describe('status --verbose', () => {
  const [replicaStatus, , processes] = STATEMENTS.mariadb;
  const row = { Slave_IO_Running: 'Yes', Seconds_Behind_Master: 0n, Not_Shown: 1, Last_IO_Error: null };

  it("shows the columns that matter, as text, and beside the engine's lag the lab's", () => {
    const answer = answerOf('db-2', replicaStatus!, [row]);
    expect(answer.rows).toEqual([
      { Slave_IO_Running: 'Yes', Seconds_Behind_Master: '0', Last_IO_Error: null },
    ]);
    const text = renderStatements(judge(lab()), [answer]);
    expect(text).toMatch(/^db-2 {2}SHOW REPLICA STATUS\n +textbook: SHOW SLAVE STATUS\n/);
    expect(text).toMatch(/Seconds_Behind_Master +0 {3}\(the lab measures 45 ms\)/);
  });

  it('says what it leaves out, and who did not answer', () => {
    const many = answerOf('db-1', processes!, Array(20).fill({ Id: 1, Info: 'x'.repeat(1000) }));
    expect(many).toMatchObject({ more: 8 });
    const text = renderStatements(judge(lab()), [many, answerOf('db-3', processes!, null)]);
    expect(text).toMatch(/and 8 more/);
    expect(text).toMatch(/db-3 {2}SHOW PROCESSLIST\n {2}no answer/);
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThan(120);
  });
});
