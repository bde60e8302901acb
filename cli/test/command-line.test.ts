import { Argument, Option } from 'commander';
import { describe, expect, it } from 'vitest';
import { type Host, runCommandLine } from '../src/command-line.ts';
import { Interrupted, LabError } from '../src/errors.ts';
import { defineVerb, exitCode, type Verb, type VerbContext } from '../src/verb.ts';
import { verbs } from '../src/verbs/index.ts';
import { parseDuration, parseWholeSeconds } from '../src/verbs/options.ts';

/** Stands in for `process`, and keeps what it was given. */
function fakeHost() {
  const text = { stdout: '', stderr: '' };
  const listeners = new Map<string, () => void>();
  const stream = (name: keyof typeof text) => {
    const write = (more: string) => {
      text[name] += more;
      return true;
    };
    return { write } as unknown as NodeJS.WriteStream;
  };
  const host: Host = {
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    stdin: {},
    env: {},
    on: (name, listener) => listeners.set(name, listener),
    off: (name) => listeners.delete(name),
    exit: (code) => {
      throw new Error(`exit ${code}`);
    },
  };
  return { host, text, listeners };
}

async function run(argv: string[], list: readonly Verb[]) {
  const { host, text } = fakeHost();
  const code = await runCommandLine(argv, list, host);
  return { code, ...text };
}

const probe = (work: (context: VerbContext<{ for?: number }>) => Promise<0 | 1 | 2 | 3>) =>
  defineVerb<{ for?: number }>({
    name: 'probe',
    summary: 'a verb of the tests',
    arguments: [new Argument('[node]').choices(['db-1', 'db-2'])],
    options: [
      new Option('--for <time>').argParser(parseDuration),
      new Option('--by <time>').argParser(parseWholeSeconds),
    ],
    printsData: true,
    mayAsk: true,
    run: work,
  });
const idle = probe(async () => exitCode.done);

describe('the command line', () => {
  it('without a verb prints the verbs, and each of ours has --help', async () => {
    const { code, stdout } = await run([], verbs);
    expect(code).toBe(0);
    for (const { name } of verbs) {
      expect(stdout).toContain(name);
      const help = await run([name, '--help'], verbs);
      expect(help).toMatchObject({ code: 0, stdout: expect.stringContaining(`Usage: lab ${name}`) });
    }
  });

  it.each([
    [['bogus'], /unknown command/],
    [['probe', '--nonsense'], /unknown option/],
    [['probe', 'db-9'], /Allowed choices/],
    [['probe', 'db-1', 'db-2'], /too many arguments/],
    [['probe', '--for', 'soon'], /20s, 500ms or 2m/],
    [['probe', '--by', '500ms'], /whole seconds/],
  ])('%j is wrong usage: 2', async (argv, message) => {
    expect(await run(argv, [idle])).toMatchObject({ code: 2, stderr: expect.stringMatching(message) });
  });

  it('hands over options, arguments and who can be asked', async () => {
    let seen: VerbContext<{ for?: number }> | undefined;
    const verb = probe(async (context) => {
      seen = context;
      return exitCode.unknown;
    });
    expect((await run(['probe', 'db-2', '--for', '2m', '--json'], [verb])).code).toBe(3);
    expect(seen).toMatchObject({ args: ['db-2'], json: true, interactive: false, yes: true });
    expect(seen!.options.for).toBe(120_000);
  });

  it('with --json keeps stdout for the one document', async () => {
    const verb = probe(async ({ out, progress }) => {
      progress('working');
      out.line('a word');
      out.json({ a: 1 });
      return exitCode.done;
    });
    const { stdout, stderr } = await run(['probe', '--json'], [verb]);
    expect(JSON.parse(stdout)).toEqual({ a: 1 });
    expect(stderr).toMatch(/working\n.*a word/s);
  });

  it('turns an error into its code, its text and its mend', async () => {
    const verb = probe(async () => {
      throw new LabError('port-in-use', 'db-1 needs 3306', 'stop it');
    });
    const text = await run(['probe'], [verb]);
    expect(text).toMatchObject({ code: 1, stdout: '' });
    expect(text.stderr).toMatch(/db-1 needs 3306 \[port-in-use\][\s\S]*mend: stop it/);
    const json = await run(['probe', '--json'], [verb]);
    expect(JSON.parse(json.stdout)).toEqual({
      error: { code: 'port-in-use', message: 'db-1 needs 3306', mend: 'stop it' },
    });
  });

  it('knows wrong usage found later, and calls a defect a defect', async () => {
    const usage = probe(async () => {
      throw new LabError('usage', 'no such node');
    });
    expect((await run(['probe'], [usage])).code).toBe(2);
    const defect = probe(async () => {
      throw new TypeError('undefined is not a function');
    });
    expect(await run(['probe'], [defect])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/defect/),
    });
  });

  it('aborts the work at the first Ctrl-C, ends at the second, and stops listening afterwards', async () => {
    const { host, listeners } = fakeHost();
    const verb = probe(async ({ signal }) => {
      const press = listeners.get('SIGINT')!;
      press();
      expect(signal.aborted).toBe(true);
      expect(press).toThrow('exit 130');
      throw new Interrupted('interrupted');
    });
    expect(await runCommandLine(['probe'], [verb], host)).toBe(1);
    expect(listeners.size).toBe(0);
  });
});
