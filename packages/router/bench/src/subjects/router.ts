import { createRouter, type ReadRequest, type Router, type RouterSession } from '../../../src/index.ts';
import type { Setup } from '../protocol.ts';
import { nodeValue, statementsOf, type UserRow } from '../statements.ts';
import type { OpenSubject, Session, Subject } from './types.ts';

const TOKEN_KEY = 'benchmark-key-benchmark-key-benchmark';

async function start(setup: Setup): Promise<Router> {
  const { engine, nodes, accounts, database, poolSize } = setup;
  const router = createRouter({
    engine,
    nodes,
    accounts,
    database,
    tokenKeys: [TOKEN_KEY],
    pool: { read: poolSize, write: poolSize },
  });
  await router.ready();
  return router;
}

/** Tokens as an HTTP service handles them: sealed text in, sealed text out, with every call. */
export const openRouter =
  (request: ReadRequest): OpenSubject =>
  async (setup) => {
    const router = await start(setup);
    const sql = statementsOf(setup.engine);
    const keepsToken = request.level === 'session';
    return {
      how: `router.read(sql, params, { level: '${request.level}'${keepsToken ? ', token' : ''} }), router.write(sql, params${keepsToken ? ', { token }' : ''})`,
      ...(keepsToken && { newSession: (): Session => ({ token: undefined }) }),
      async read(id, session) {
        if (!keepsToken) return rowOf(await router.read(sql.read, [id], request));
        const result = await router.read(sql.read, [id], { level: 'session', token: session.token });
        session.token = result.token;
        return rowOf(result);
      },
      async write(version, id, session) {
        if (!keepsToken) return router.write(sql.write, [version, id]);
        const { token } = await router.write(sql.write, [version, id], { token: session.token });
        session.token = token;
      },
      close: () => router.close(),
    };
  };

/** A session object kept by the caller. */
export const openSessionObject: OpenSubject = async (setup) => {
  const router = await start(setup);
  const sql = statementsOf(setup.engine);
  const stateOf = (session: Session) => session.state as RouterSession;
  return {
    how: 'router.session(): session.read(sql, params), session.write(sql, params)',
    newSession: () => ({ token: undefined, state: router.session() }),
    read: async (id, session) => rowOf(await stateOf(session).read(sql.read, [id])),
    write: (version, id, session) => stateOf(session).write(sql.write, [version, id]),
    close: () => router.close(),
  };
};

/**
 * The router finds out by itself what is a read and what is a write. It sends a read that asks for the server's own name to
 * the primary, so here the fifth column is another one, and the decision says which node answered.
 */
export const openClassified: OpenSubject = async (setup) => {
  const router = await start(setup);
  const sql = statementsOf(setup.engine);
  const nodes = new Map(setup.nodes.map(({ name, host }) => [name, nodeValue(setup.engine, host)]));
  const query = async (text: string, params: readonly number[], session: Session) => {
    const result = await router.query(text, params, { level: 'session', token: session.token });
    session.token = result.token;
    return result;
  };
  return {
    how: "router.query(sql, params, { level: 'session', token }), without the server's name among the columns",
    newSession: () => ({ token: undefined }),
    async read(id, session) {
      const result = await query(sql.plainRead, [id], session);
      const row = rowOf(result);
      return row && { ...row, node: nodes.get(result.decision.node) };
    },
    write: (version, id, session) => query(sql.write, [version, id], session),
    close: () => router.close(),
  } satisfies Subject;
};

const rowOf = ({ rows }: { readonly rows: readonly unknown[] }): UserRow | undefined =>
  rows[0] as UserRow | undefined;
