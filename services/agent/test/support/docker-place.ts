import { createServer } from 'node:net';
import { docker } from './docker.ts';

/** What is there of a compose project: ids of its containers, networks and volumes; empty when nothing is. */
export async function leftOf(project: string): Promise<string> {
  const filter = ['--filter', `label=com.docker.compose.project=${project}`, '--quiet'];
  const left = await Promise.all([
    docker(['ps', '--all', ...filter]),
    docker(['network', 'ls', ...filter]),
    docker(['volume', 'ls', ...filter]),
  ]);
  return left.map(({ stdout }) => stdout.trim()).join('');
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The first three parts of a /24 that no Docker network here uses. */
export async function freeNetwork(): Promise<string> {
  const { stdout } = await docker(['network', 'ls', '--quiet']);
  const ids = stdout.split('\n').filter(Boolean);
  const used = (
    await docker(['network', 'inspect', '--format', '{{range .IPAM.Config}}{{.Subnet}} {{end}}', ...ids])
  ).stdout;
  for (let third = 0; third < 256; third += 1) {
    const prefix = `172.30.${third}`;
    if (!used.includes(`${prefix}.`) && !/\b172\.(30|16)\.0\.0\/(1[0-6]|[0-9])\b/.test(used)) return prefix;
  }
  return '10.213.77';
}
