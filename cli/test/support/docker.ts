import { createServer } from 'node:net';
import { execa } from 'execa';
import { docker, dockerAnswers } from '../../src/docker/compose.ts';

/** Why a suite that needs these images cannot run here, or null when it can. Fetches what is not here. */
export async function whyNoDocker(images: readonly string[]): Promise<string | null> {
  if ((await dockerAnswers()) === null) return 'no Docker engine with compose answers';
  for (const image of images) {
    const here = await execa('docker', ['image', 'inspect', image], { reject: false });
    if (here.exitCode === 0) continue;
    const pulled = await execa('docker', ['pull', '--quiet', image], { reject: false, timeout: 600_000 });
    if (pulled.exitCode !== 0) return `the image ${image} is not here and cannot be pulled`;
  }
  return null;
}

/** What makes `./lab --runtime docker` a lab of its own name, network and ports: it meets no other. */
export async function ownDockerPlace(project: string): Promise<Readonly<Record<string, string>>> {
  const [http, stats, notices] = [await freePort(), await freePort(), await freePort()];
  return {
    ...{ COMPOSE_PROJECT_NAME: project, NET_PREFIX: await freeNetwork() },
    ...{ HTTP_PORT: `${http}`, STATS_PORT: `${stats}`, NOTICES_PORT: `${notices}` },
  };
}

/** Names of the containers, networks and volumes of a project. */
export async function leftOf(project: string): Promise<string> {
  const filter = ['--filter', `label=com.docker.compose.project=${project}`, '--quiet'];
  const lists = [
    ['ps', '--all'],
    ['network', 'ls'],
    ['volume', 'ls'],
  ];
  return (await Promise.all(lists.map((list) => docker([...list, ...filter])))).join('').trim();
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The first three parts of a /24 that no Docker network here uses. */
async function freeNetwork(): Promise<string> {
  const ids = (await docker(['network', 'ls', '--quiet'])).split('\n').filter(Boolean);
  const used = await docker([
    'network',
    'inspect',
    '--format',
    '{{range .IPAM.Config}}{{.Subnet}} {{end}}',
    ...ids,
  ]);
  const free = Array.from({ length: 200 }, (_, third) => `10.213.${third}`).find(
    (prefix) => !used.includes(`${prefix}.`),
  );
  if (!free) throw new Error('every network of this test is taken');
  return free;
}
