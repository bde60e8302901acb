import { spawn } from 'node:child_process';

/**
 * Runs a shell script once this process has ended, whatever ended it: a child waits beside it for the end of its standard
 * input. So even a kill -9 leaves nothing behind. The function that is answered lets the script run earlier. It runs once
 * in any case, and must do no harm where there is nothing left to do.
 */
export function afterwards(script: string): () => void {
  const child = spawn('sh', ['-c', `trap '' INT TERM HUP; read _; ${script}`], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  child.unref();
  return () => child.stdin.end();
}
