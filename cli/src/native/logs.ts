import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import type { Output } from '../output.ts';
import type { LogRequest } from '../runtime.ts';

interface LogFile {
  readonly name: string;
  readonly path: string;
}

/** Prints the last lines of each file with the part's name before them; goes on until the signal when `follow`. */
export async function printLogs(
  files: readonly LogFile[],
  request: LogRequest,
  out: Output,
  signal: AbortSignal,
): Promise<void> {
  const width = Math.max(0, ...files.map(({ name }) => name.length));
  const print = async ({ name, path }: LogFile) => {
    if (!existsSync(path)) return out.warn(`${name}: no log yet`);
    const args = ['-n', String(request.lines), ...(request.follow ? ['-F'] : []), path];
    const tail = execa('tail', args, {
      stdin: 'ignore',
      stderr: 'ignore',
      buffer: false,
      reject: false,
      cancelSignal: signal,
    });
    for await (const line of createInterface({ input: tail.stdout })) {
      out.line(`${out.colours.cyan(name.padEnd(width))} ${line}`);
    }
    await tail;
  };
  // Without --follow one after the other, so that a part's lines stay together.
  if (request.follow) await Promise.all(files.map(print));
  else for (const file of files) await print(file);
}
