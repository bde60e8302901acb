import { z } from 'zod';
import { messageOf } from '../errors.ts';
import { compose } from './compose.ts';
import type { Container } from './containers.ts';

/**
 * Questions asked from inside the lab's network, in one of the database hosts' containers: with Docker Desktop the
 * containers' addresses cannot be reached from here.
 */

const answer = z.object({ status: z.number(), body: z.unknown() }).nullable();
const answers = z.record(z.string(), answer);
export type Answers = z.infer<typeof answers>;

/** Asks all addresses at once; null for one that gave no answer in time. */
const ASK_ALL = `
const targets = JSON.parse(process.argv[1]), timeoutMs = Number(process.argv[2]);
const ask = async (url) => {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    return { status: response.status, body: await response.json().catch(() => null) };
  } catch { return null; }
};
const entries = Object.entries(targets).map(async ([name, url]) => [name, await ask(url)]);
console.log(JSON.stringify(Object.fromEntries(await Promise.all(entries))));
`;

/** By name as in `targets`. Everything is null when no host runs to ask from. */
export async function askInside(
  containers: readonly Container[],
  targets: Readonly<Record<string, string>>,
  timeoutMs: number,
  env: Readonly<Record<string, string>>,
): Promise<Answers> {
  const nobody = Object.fromEntries(Object.keys(targets).map((name) => [name, null]));
  const host = containers.find(({ Service, State }) => /^db-\d$/.test(Service) && State === 'running');
  if (!host) return nobody;
  const node = ['node', '--input-type=module', '-e', ASK_ALL, JSON.stringify(targets), String(timeoutMs)];
  try {
    const text = await compose(['exec', '-T', host.Service, ...node], { env, timeoutMs: timeoutMs + 10_000 });
    return { ...nobody, ...answers.parse(JSON.parse(text)) };
  } catch {
    return nobody; // it was killed between the two questions
  }
}

/**
 * Runs a module with the lab's packages at hand in a database host's container; returns what it prints, as JSON.
 * The script goes in through stdin, so that passwords in it are seen by nobody else on this machine.
 */
export async function runInside(
  host: string,
  script: string,
  env: Readonly<Record<string, string>>,
): Promise<unknown> {
  const args = ['exec', '-T', host, 'node', '--input-type=module', '-'];
  const text = await compose(args, { env, input: script, timeoutMs: 30_000 });
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`the script in ${host} printed no JSON (${messageOf(error)}): ${text.slice(0, 200)}`);
  }
}
