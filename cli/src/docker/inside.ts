import { messageOf } from '../errors.ts';
import { CATCHER } from '../native/layout.ts';
import { compose } from './compose.ts';
import type { Container } from './containers.ts';

/**
 * Questions asked from inside the lab's network: with Docker Desktop the containers' addresses cannot be reached from
 * here.
 */

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}
export type Answers = Readonly<Record<string, Answer | null>>;

/**
 * Asks all addresses (HTTP, JSON) at once, in a container that has curl; null for one that gave no answer in
 * time, and for all when none runs to ask from. `token`: a bearer token, shown to all of them; `body`: posted to them. With curl,
 * because a second Node would not fit into such a container's memory.
 */
export async function askInside(
  containers: readonly Container[],
  targets: Readonly<Record<string, string>>,
  timeoutMs: number,
  env: Readonly<Record<string, string>>,
  { token, body }: AskOptions = {},
): Promise<Answers> {
  const names = Object.keys(targets);
  if (names.length === 0) return {};
  const nobody = Object.fromEntries(names.map((name) => [name, null]));
  const asker = whoAsks(containers);
  if (!asker) return nobody;
  const script = askScript(Object.values(targets), timeoutMs, { token, body });
  try {
    const args = ['exec', '-T', asker, 'sh', '-c', script];
    const texts = splitAnswers(await compose(args, { env, timeoutMs: timeoutMs + 10_000 }));
    return Object.fromEntries(names.map((name, i) => [name, texts.get(i) ?? null]));
  } catch {
    return nobody; // it was killed between the two questions
  }
}

/**
 * The service whose container asks; null: none runs. The catcher before any database's host: a host that is cut off hears
 * nobody, and the whole lab would seem to be down.
 */
export function whoAsks(containers: readonly Container[]): string | null {
  const running = containers.filter(({ State }) => State === 'running').map(({ Service }) => Service);
  return running.find((name) => name === CATCHER) ?? running.find((name) => /^db-\d$/.test(name)) ?? null;
}

/** The authority's certificate, where whoever asks has it: docker-compose.yml. */
const CA_INSIDE = '/lab/tls/ca.pem';

export interface AskOptions {
  readonly token?: string | undefined;
  readonly body?: object | undefined;
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** One curl for all. Bodies go through files: side by side they would run into each other. */
export function askScript(
  urls: readonly string[],
  timeoutMs: number,
  { token, body }: AskOptions = {},
): string {
  const header = token ? `-H ${quoted(`Authorization: Bearer ${token}`)} ` : '';
  const data = body
    ? `-H 'Content-Type: application/json' --data-binary ${quoted(JSON.stringify(body))} `
    : '';
  const asked = urls.map((url, i) => `-o "$d/${i}" '${url}'`).join(' ');
  return [
    'd=$(mktemp -d)',
    `curl -s --cacert ${CA_INSIDE} ${header}${data}-Z --parallel-immediate --max-time ${timeoutMs / 1000} -w 'status %{urlnum} %{http_code}\\n' ${asked} 2>/dev/null`,
    `for i in ${urls.map((_, i) => i).join(' ')}; do echo "#$i"; cat "$d/$i" 2>/dev/null; echo; done`,
    'rm -rf "$d"',
  ].join('\n');
}

/** By the number of the URL. curl says status 000 where there was no answer. */
export function splitAnswers(text: string): Map<number, Answer> {
  const bodies = new Map(
    text
      .split(/^#(?=\d+$)/m)
      .slice(1)
      .map((part) => [Number.parseInt(part, 10), part.slice(part.indexOf('\n') + 1)] as const),
  );
  const answers = new Map<number, Answer>();
  for (const [, number, status] of text.matchAll(/^status (\d+) (\d{3})$/gm)) {
    if (status !== '000')
      answers.set(Number(number), { status: Number(status), body: parse(bodies.get(Number(number))) });
  }
  return answers;
}

function parse(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return null;
  }
}

/**
 * Runs a module in a container of its own with the lab's packages, network and administrator's password at hand (that
 * of `bootstrap`); returns what it prints, as JSON.
 */
export async function runInside(script: string, env: Readonly<Record<string, string>>): Promise<unknown> {
  const args = ['run', '--rm', '--no-deps', '-T', 'bootstrap', 'node', '--input-type=module', '-'];
  const text = await compose(args, { env, input: script, timeoutMs: 60_000 });
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`the script printed no JSON (${messageOf(error)}): ${text.slice(0, 200)}`);
  }
}
