import type { Outcome } from '@replication-lab/router';
import type { Request, Response } from 'express';
import { Problem } from './problems.ts';

/** The token's two ways in and out: a header for programs, a cookie for browsers. */
export const TOKEN_HEADER = 'Consistency-Token';
export const TOKEN_COOKIE = 'consistency_token';

/**
 * The newest token this client holds, not opened yet: the router does that, and refuses what is none. The header wins:
 * a program that sends both means the header. A client with several requests under way at once should use the header
 * too, and keep the newest token itself: of two answers that cross, the later one sets the cookie.
 */
export const tokenOf = (req: Request): string | undefined =>
  req.get(TOKEN_HEADER) ?? cookie(req.get('Cookie'), TOKEN_COOKIE);

/**
 * Says where the refused token was. A bad cookie is cleared by the same answer: a browser could not get rid of it by
 * itself, and would be refused for ever.
 */
export function refuseToken(req: Request, res: Response): Problem {
  const inHeader = req.get(TOKEN_HEADER) !== undefined;
  if (!inHeader) res.clearCookie(TOKEN_COOKIE, cookieOptions(req));
  const source = inHeader ? `header ${TOKEN_HEADER}` : `cookie ${TOKEN_COOKIE} (it is cleared now)`;
  return new Problem('invalid-token', { detail: `the ${source} does not hold a token of this service` });
}

/** Says in the response's headers who answered, why, and what the client has now seen. */
export function showOutcome(req: Request, res: Response, { decision, token }: Outcome): void {
  showDecision(res, decision);
  showToken(req, res, token);
}

/** The client's newest token, in the header and, where it is news, in the cookie. */
export function showToken(req: Request, res: Response, token: string): void {
  res.setHeader(TOKEN_HEADER, token);
  // The router hands the same token back while it is true: the cookie is set only when it is news.
  if (token !== cookie(req.get('Cookie'), TOKEN_COOKIE)) res.cookie(TOKEN_COOKIE, token, cookieOptions(req));
}

export function showDecision(res: Response, { node, role, reason }: Outcome['decision']): void {
  res.setHeader('Data-Node', node);
  res.setHeader('Data-Role', role);
  res.setHeader('Route-Reason', reason);
}

const cookieOptions = (req: Request) =>
  ({ httpOnly: true, sameSite: 'lax', path: '/', secure: req.secure, encode: String }) as const;

/** One cookie's value; the first where a client sends several. */
export function cookie(header: string | undefined, name: string): string | undefined {
  for (const pair of (header ?? '').split(';')) {
    const equals = pair.indexOf('=');
    if (equals > 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim();
  }
  return undefined;
}
