#!/usr/bin/env node
import { runCommandLine } from './command-line.ts';
import { verbs } from './verbs/index.ts';

// `./lab logs | head`: whoever read has seen enough, which is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  throw error;
});

// The exit code is set, not forced: output still on its way into a pipe must arrive.
process.exitCode = await runCommandLine(process.argv.slice(2), verbs, process);
