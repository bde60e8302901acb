import { request } from 'node:http';
import type { Usage } from '@replication-lab/load-tests';
import { z } from 'zod';
import { nodeNames } from '../native/layout.ts';
import type { LabState } from '../state.ts';
import { composeEnvironment, docker } from './compose.ts';
import { listContainers, serviceOf } from './containers.ts';

const ANSWER_MS = 3000;

/** The part of the Engine API's container statistics that is wanted here. */
const stats = z.object({
  cpu_stats: z.object({
    cpu_usage: z.object({ total_usage: z.number() }),
    throttling_data: z.object({ throttled_time: z.number() }).optional(),
  }),
});

/**
 * CPU used by every running container of the lab, under the lab's names. From the Engine API: `docker stats` only knows
 * percentages, and with Docker Desktop the containers' control groups are in another machine.
 */
export async function containerUsage(state: LabState): Promise<Record<string, Usage>> {
  const containers = (await listContainers(composeEnvironment(state))).filter(
    ({ State }) => State === 'running',
  );
  const socket = await engineSocket();
  if (!socket) return {};
  const nameOf = new Map(nodeNames(state.topology).map((name) => [serviceOf(state.engine, name), name]));
  const wanted = /^(api-\d|haproxy|k6)$/;
  const found = await Promise.all(
    containers
      .filter(({ Service }) => nameOf.has(Service) || wanted.test(Service))
      .map(async ({ ID, Service }) => {
        const usage = await usageOf(socket, ID).catch(() => null);
        return usage ? ([nameOf.get(Service) ?? Service, usage] as const) : null;
      }),
  );
  return Object.fromEntries(found.filter((entry) => entry !== null));
}

/** Path of the engine's Unix socket; null for an engine somewhere else. */
async function engineSocket(): Promise<string | null> {
  const host =
    process.env.DOCKER_HOST ||
    (await docker(['context', 'inspect', '--format', '{{.Endpoints.docker.Host}}']).catch(() => '')).trim();
  return host.startsWith('unix://') ? host.slice('unix://'.length) : null;
}

async function usageOf(socketPath: string, id: string): Promise<Usage> {
  const path = `/v1.41/containers/${id}/stats?stream=false&one-shot=true`;
  const { cpu_stats: cpu } = stats.parse(JSON.parse(await getFrom(socketPath, path)));
  return {
    cpuSeconds: cpu.cpu_usage.total_usage / 1e9,
    throttledMs: cpu.throttling_data ? cpu.throttling_data.throttled_time / 1e6 : null,
  };
}

function getFrom(socketPath: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, host: 'docker', timeout: ANSWER_MS }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    });
    asked.once('timeout', () => asked.destroy(new Error('the Docker engine did not answer in time')));
    asked.once('error', reject);
    asked.end();
  });
}
