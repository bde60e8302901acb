import { Command, CommanderError } from 'commander';
import { Interrupted, LabError, messageOf } from './errors.ts';
import { createOutput, createProgress } from './output.ts';
import { type ExitCode, exitCode, type Verb, type VerbContext } from './verb.ts';

/** The parts of `process` this needs, so that a test can stand in its place. */
export interface Host {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly stdin: { readonly isTTY?: boolean };
  readonly env: NodeJS.ProcessEnv;
  on(event: NodeJS.Signals, listener: () => void): unknown;
  off(event: NodeJS.Signals, listener: () => void): unknown;
  exit(code: number): never;
}

/** Parses, runs the verb, and turns whatever happened into an exit code. Never throws. */
export async function runCommandLine(
  argv: readonly string[],
  verbs: readonly Verb[],
  host: Host,
): Promise<ExitCode> {
  let result: ExitCode = exitCode.done;
  const program = createProgram(verbs, host, async (verb, options, args) => {
    result = await runVerb(verb, options, args, host);
  });
  if (argv.length === 0) {
    program.outputHelp();
    return exitCode.done;
  }
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    // --help and --version arrive here too, with code 0.
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? exitCode.done : exitCode.usage;
  }
  return result;
}

type Run = (verb: Verb, options: Record<string, unknown>, args: string[]) => Promise<void>;

export function createProgram(
  verbs: readonly Verb[],
  host: Pick<Host, 'stdout' | 'stderr'>,
  run: Run,
): Command {
  const program = new Command('lab')
    .description('Replication Lab: replicated databases behind three API replicas, to measure and to break.')
    .usage('VERB [options]')
    .helpCommand(false)
    .showHelpAfterError('(./lab VERB --help shows what it takes)')
    .configureOutput({
      writeOut: (text) => host.stdout.write(text),
      writeErr: (text) => host.stderr.write(text),
    })
    .exitOverride();
  for (const verb of verbs) addVerb(program, verb, run);
  program.addHelpText('after', '\nFirst time here: ./lab demo. Each verb has --help.\n');
  return program;
}

function addVerb(program: Command, verb: Verb, run: Run): void {
  const command = program.command(verb.name).summary(verb.summary).allowExcessArguments(false);
  command.description(verb.summary);
  // After the options, because there nobody re-wraps it.
  if (verb.details) command.addHelpText('after', `\n${verb.details}`);
  command.copyInheritedSettings(program);
  for (const argument of verb.arguments ?? []) command.addArgument(argument);
  for (const option of verb.options ?? []) command.addOption(option);
  if (verb.printsData) command.option('--json', 'print JSON instead of text');
  if (verb.mayAsk) command.option('--yes', 'install what is missing without asking');
  command.action(async () => {
    await run(verb, command.opts(), [...command.args]);
  });
}

async function runVerb(
  verb: Verb,
  options: Record<string, unknown>,
  args: string[],
  host: Host,
): Promise<ExitCode> {
  const json = options.json === true;
  const out = createOutput(host, { json });
  const interactive = host.stdin.isTTY === true && host.stderr.isTTY === true && !host.env.CI;
  const interruption = listenForSignals(host, () => out.warn('stopping; once more ends at once'));
  const context: VerbContext = {
    out,
    progress: createProgress(out, host.stderr),
    json,
    signal: interruption.signal,
    interactive,
    yes: options.yes === true || !interactive,
    options,
    args,
  };
  try {
    return await verb.run(context);
  } catch (error) {
    return report(error, context, host.env.LAB_DEBUG !== undefined);
  } finally {
    out.live(null);
    interruption.stop();
  }
}

/** The first Ctrl-C or SIGTERM aborts the work, which then cleans up after itself; the second ends the process. */
function listenForSignals(host: Host, onFirst: () => void) {
  const controller = new AbortController();
  const listener = () => {
    if (controller.signal.aborted) host.exit(130);
    onFirst();
    controller.abort(new Interrupted('interrupted'));
  };
  const signals: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const name of signals) host.on(name, listener);
  return {
    signal: controller.signal,
    stop: () => {
      for (const name of signals) host.off(name, listener);
    },
  };
}

function report(error: unknown, context: VerbContext, debug: boolean): ExitCode {
  const { out } = context;
  if (error instanceof Interrupted || context.signal.aborted) {
    out.warn('interrupted');
    return exitCode.failed;
  }
  if (error instanceof LabError) {
    if (context.json) out.json({ error: { code: error.code, message: error.message, mend: error.mend } });
    out.error(`${error.message} [${error.code}]`);
    if (error.mend) out.warn(`  mend: ${error.mend.replaceAll('\n', '\n        ')}`);
    if (debug && error.cause) out.error(String((error.cause as Error).stack ?? error.cause));
    return error.code === 'usage' ? exitCode.usage : exitCode.failed;
  }
  if (context.json) out.json({ error: { code: 'defect', message: messageOf(error), mend: null } });
  out.error(`this is a defect of the lab, please report it: ${(error as Error)?.stack ?? String(error)}`);
  return exitCode.failed;
}
