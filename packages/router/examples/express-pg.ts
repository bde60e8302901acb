// Express on PostgreSQL: reads on replicas, and every client reads its own writes.
// Where a pg pool's query() was, router.query() is; the middleware does the rest.
import { type Router, RouterError } from '@replication-lab/router';
import express, { type ErrorRequestHandler } from 'express';
import { routerFromEnv } from './database.ts';

// history-lost: the session begins anew, and its new token goes out with this answer.
const STATUS = {
  'invalid-token': 400,
  'history-lost': 409,
  'outcome-unknown': 503, // perhaps written: the client has to look before it repeats
  'no-primary': 503,
  'no-node': 503,
  overloaded: 503,
  closed: 503,
  timeout: 504,
};
const COOKIE = 'consistency_token';

export function createApp(router: Router) {
  const app = express();
  app.use(express.json());

  // One session per request. Its token comes in a header or a cookie and goes out, newer, with the answer.
  app.use((req, res, next) => {
    const cookie = new RegExp(`(?:^|; )${COOKIE}=([^;]+)`).exec(req.get('Cookie') ?? '')?.[1];
    const session = router.session(req.get('Consistency-Token') ?? cookie);
    const { writeHead } = res;
    res.writeHead = (...head: unknown[]) => {
      res.set({ 'Consistency-Token': session.token, 'Cache-Control': 'no-store' });
      res.cookie(COOKIE, session.token, { httpOnly: true, sameSite: 'lax' });
      return writeHead.apply(res, head as Parameters<typeof writeHead>);
    };
    session.run(next); // what the router does from here on, it does for this session
  });

  app.post('/users', async (req, res) => {
    const { rows } = await router.query(
      'INSERT INTO users (name, email) VALUES ($1, $2) RETURNING id, name, email',
      [req.body.name, req.body.email],
    );
    res.status(201).json(rows[0]);
  });

  app.get('/users/:id', async (req, res) => {
    const { rows, decision } = await router.query('SELECT id, name, email FROM users WHERE id = $1', [
      req.params.id,
    ]);
    res.set('Route-Reason', `${decision.node} ${decision.reason}`);
    res.status(rows[0] ? 200 : 404).json(rows[0] ?? { error: 'user-not-found' });
  });

  const onError: ErrorRequestHandler = (error, _req, res, next) => {
    if (!(error instanceof RouterError)) return next(error);
    if (error.code === 'invalid-token') res.clearCookie(COOKIE);
    res.status(STATUS[error.code as keyof typeof STATUS] ?? 500).json({ error: error.code });
  };
  return app.use(onError);
}

if (import.meta.main) {
  const router = routerFromEnv('postgres');
  await router.ready();
  createApp(router).listen(3000, () => console.log('http://127.0.0.1:3000'));
}
