import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LabError, systemCode } from '../errors.ts';
import type { Trial } from './types.ts';

/**
 * A record file: one trial a line, appended as it ends, so that an interrupted run loses none. With `commit` (the beginning of a
 * hash) only its trials; a commit with changes that were not committed (`+`) is another one.
 */
export async function readRecordFile(path: string, commit?: string): Promise<Trial[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw new LabError('record-unreadable', `cannot read ${path}`, 'give another --record FILE', error);
  }
  return text
    .split('\n')
    .map((line, i) => [line, i + 1] as const)
    .filter(([line]) => line.trim() !== '')
    .map(([line, number]) => parse(line, `${path}:${number}`))
    .filter((trial) => commit === undefined || isOf(trial, commit));
}

const isOf = ({ commit: made }: Trial, commit: string): boolean =>
  made.startsWith(commit) && made.endsWith('+') === commit.endsWith('+');

function parse(line: string, where: string): Trial {
  const unreadable = (cause?: unknown) =>
    new LabError(
      'record-unreadable',
      `${where} is no trial`,
      'mend that line, or give another --record FILE',
      cause,
    );
  try {
    const trial = JSON.parse(line) as Trial;
    if (trial.version !== 1 || typeof trial.fault !== 'string') throw unreadable();
    return trial;
  } catch (error) {
    throw error instanceof LabError ? error : unreadable(error);
  }
}

export async function appendTrial(path: string, trial: Trial): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await appendFile(path, `${JSON.stringify(trial)}\n`);
}
