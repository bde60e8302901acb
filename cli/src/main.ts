#!/usr/bin/env node
import { runCommandLine } from './command-line.ts';
import { verbs } from './verbs/index.ts';

// The exit code is set, not forced: output still on its way into a pipe must arrive.
process.exitCode = await runCommandLine(process.argv.slice(2), verbs, process);
