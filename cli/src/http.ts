import { readFileSync } from 'node:fs';
import { setDefaultCACertificates } from 'node:tls';

/** Small questions over HTTP or HTTPS, with a deadline, to things that may be dead or frozen. None of these throws. */

const believed = new Set<string>();

/** From now on this process verifies with this authority (a file), and with those of other labs that it was given before. */
export function believe(caFile: string): void {
  const ca = readFileSync(caFile, 'utf8');
  if (believed.has(ca)) return;
  believed.add(ca);
  setDefaultCACertificates([...believed]);
}

/** Does it answer 2xx? A connection is not kept: a health question must not depend on an earlier one. */
export async function answers(url: string, timeoutMs: number): Promise<boolean> {
  const response = await get(url, timeoutMs);
  await response?.body?.cancel().catch(() => {});
  return response?.ok === true;
}

/** The JSON of a 2xx answer, else null. `token`: a bearer token to show. */
export async function getJson(url: string, timeoutMs: number, token?: string): Promise<unknown> {
  const response = await get(url, timeoutMs, token);
  if (!response?.ok) {
    await response?.body?.cancel().catch(() => {});
    return null;
  }
  return response.json().catch(() => null);
}

/** The status and the JSON of any answer to a POST; null when there is none. */
export async function postJson(
  url: string,
  body: object,
  timeoutMs: number,
  token: string,
): Promise<{ status: number; body: unknown } | null> {
  const headers = {
    connection: 'close',
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
  };
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(timeoutMs),
    });
    return { status: response.status, body: await response.json().catch(() => null) };
  } catch {
    return null;
  }
}

/** The text of a 2xx answer, else null. */
export async function getText(url: string, timeoutMs: number): Promise<string | null> {
  const response = await get(url, timeoutMs);
  return response?.ok ? response.text().catch(() => null) : null;
}

/** What the answer says it was made at, in ms since 1970; null when there is no answer. */
export async function dateOf(url: string, timeoutMs: number): Promise<number | null> {
  const response = await get(url, timeoutMs);
  await response?.body?.cancel().catch(() => {});
  const atMs = Date.parse(response?.headers.get('date') ?? '');
  return Number.isNaN(atMs) ? null : atMs;
}

async function get(url: string, timeoutMs: number, token?: string): Promise<Response | null> {
  try {
    const headers = { connection: 'close', ...(token && { authorization: `Bearer ${token}` }) };
    return await fetch(url, { signal: AbortSignal.timeout(timeoutMs), headers });
  } catch {
    return null;
  }
}
