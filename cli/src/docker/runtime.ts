import { createInterface } from 'node:readline';
import type { Row } from '@replication-lab/engines';
import { CATCHER_PORT, DEFAULT_PORT } from '@replication-lab/engines/config';
import { execa } from 'execa';
import { z } from 'zod';
import { reloadNodes } from '../certificates.ts';
import { LabError } from '../errors.ts';
import { API_NAMES, CATCHER, nodeNames, supervisorNames } from '../native/layout.ts';
import type { Output } from '../output.ts';
import { repositoryRoot } from '../paths.ts';
import {
  type Certificate,
  type Cut,
  isDatabase,
  type LabRuntime,
  type LogRequest,
  type PartName,
  type SupervisorAnswers,
} from '../runtime.ts';
import type { LabState } from '../state.ts';
import type { Condition, LabObservation } from '../status/types.ts';
import { waitFor } from '../wait.ts';
import { compose, composeEnvironment } from './compose.ts';
import { conditionOf, listContainers, serviceOf } from './containers.ts';
import { cutOffScript, RECONNECT, SHOW_CUT } from './cut.ts';
import { askInside, runInside } from './inside.ts';
import { dockerMonitors, readyUrl } from './monitoring.ts';
import {
  agentHealth,
  agentUrl,
  apiUrl,
  askDockerSupervisors,
  nodeAddress,
  observeDocker,
  orderDockerSupervisors,
  supervisorUrl,
} from './observe.ts';
import { detachNode, queryAsAdmin, readApplyDelay, setApplyDelay } from './scripts.ts';

const REVIVE_MS = 60_000;
const BOOTSTRAP_MS = 120_000;
const DOWN_MS = 120_000;

/** What the one-shot `certificates` prints. */
const listed = z.array(
  z.object({
    file: z.string(),
    commonName: z.string(),
    addresses: z.array(z.string()),
    end: z.coerce.date().nullable(),
  }),
);

function healthUrl(state: LabState, part: PartName): string {
  if (isDatabase(part)) return agentUrl(state, part);
  if (part === CATCHER) return `http://${part}:${CATCHER_PORT}/livez`;
  const monitor = readyUrl(part);
  if (monitor !== null) return monitor;
  return (part.startsWith('supervisor-') ? supervisorUrl : apiUrl)(state, part, '/livez');
}

/** The docker lab for status, logs, faults and down. Everything goes through `docker compose`. */
export class DockerRuntime implements LabRuntime {
  readonly name = 'docker';
  readonly engine: LabState['engine'];
  readonly parts: readonly PartName[];
  readonly #state: LabState;
  readonly #env: Readonly<Record<string, string>>;

  constructor(state: LabState) {
    this.#state = state;
    this.#env = composeEnvironment(state);
    this.engine = state.engine;
    const supervisors = supervisorNames(state);
    const monitors = dockerMonitors(state);
    const catcher = supervisors.length > 0 || monitors.length > 0 ? [CATCHER] : [];
    const guards = [...catcher, ...supervisors, ...monitors];
    this.parts = [...nodeNames(state.topology), ...API_NAMES, 'haproxy', ...guards];
  }

  #compose(
    args: readonly string[],
    options: { timeoutMs?: number; signal?: AbortSignal } = {},
  ): Promise<string> {
    return compose(args, { env: this.#env, ...options });
  }

  #service(part: PartName): string {
    return serviceOf(this.engine, part);
  }

  observe(): Promise<Omit<LabObservation, 'faults'>> {
    return observeDocker(this.#state);
  }

  async condition(part: PartName): Promise<Condition> {
    return conditionOf(await listContainers(this.#env), this.#service(part));
  }

  async certificates(): Promise<readonly Certificate[]> {
    const args = ['run', '--rm', '--no-deps', '-T', '--env', 'LIST=1', 'certificates'];
    return listed.parse(JSON.parse(await this.#compose(args)));
  }

  async renewCertificates(progress: (message: string) => void): Promise<void> {
    await this.#compose(['run', '--rm', '--no-deps', '-T', '--env', 'RENEW=1', 'certificates']);
    await reloadNodes(this, progress);
    if ((await this.condition('haproxy')) === 'down') return;
    progress('HAProxy takes its new certificate');
    await this.#compose(['exec', '-T', 'haproxy', 'bash', '/usr/local/etc/haproxy/take-certificate.sh']);
  }

  async kill(part: PartName): Promise<void> {
    if ((await this.condition(part)) === 'down') return;
    await this.#compose(['kill', '--signal', 'SIGKILL', this.#service(part)]);
  }

  async revive(part: PartName, signal: AbortSignal): Promise<void> {
    await this.#compose(['start', this.#service(part)], { signal });
    if (part === 'haproxy') return;
    const ask = healthUrl(this.#state, part);
    await waitFor(
      async () => {
        const answer = (await askInside(await listContainers(this.#env), { part: ask }, 1000, this.#env))
          .part;
        return isDatabase(part)
          ? agentHealth.safeParse(answer?.body).data?.up === true
          : answer?.status === 200;
      },
      {
        what: `${part} to answer`,
        timeoutMs: REVIVE_MS,
        everyMs: 200,
        signal,
        mend: () => `./lab logs ${part}`,
      },
    );
  }

  async freeze(part: PartName): Promise<void> {
    const condition = await this.condition(part);
    if (condition === 'down')
      throw new LabError('part-down', `${part} does not run`, './lab heal starts what is down');
    if (condition !== 'running') return;
    const pause = () => this.#compose(['pause', this.#service(part)]);
    // On a machine without a free CPU the kernel is too slow for the container runtime ("unable to freeze"), and not the next time.
    await pause().catch(pause);
  }

  async thaw(part: PartName): Promise<void> {
    if ((await this.condition(part)) === 'frozen') await this.#compose(['unpause', this.#service(part)]);
  }

  #endpoint(node: PartName) {
    return { name: node, host: nodeAddress(this.#state, node), port: DEFAULT_PORT[this.engine] };
  }

  async terminate(part: PartName): Promise<void> {
    await this.#compose(['kill', '--signal', 'SIGTERM', this.#service(part)]);
  }

  async queryAsAdmin(node: PartName, statements: readonly string[]) {
    const script = queryAsAdmin(this.engine, this.#endpoint(node), statements);
    return (await runInside(script, this.#env)) as (readonly Row[])[];
  }

  async cutOff(node: PartName, cut: Cut): Promise<void> {
    await this.#compose(['exec', '-T', node, 'sh', '-c', cutOffScript(cut)]);
  }

  async reconnect(node: PartName): Promise<void> {
    await this.#compose(['exec', '-T', node, 'sh', '-c', RECONNECT]);
  }

  async isCutOff(node: PartName): Promise<boolean> {
    const rules = await this.#compose(['exec', '-T', node, 'sh', '-c', SHOW_CUT]);
    return rules.includes('DROP');
  }

  async wipe(): Promise<void> {
    throw new LabError('usage', 'data is taken away in the native lab only', '--runtime native');
  }

  exhaustConnections(): Promise<() => Promise<void>> {
    throw new LabError('usage', 'connections are taken in the native lab only', '--runtime native');
  }

  giveClocks(): Promise<void> {
    throw new LabError('usage', 'clocks jump in the native lab only', '--runtime native');
  }

  async setClock(): Promise<void> {}

  stallDisk(): Promise<() => Promise<void>> {
    throw new LabError('usage', 'disks are stalled in the native lab only', '--runtime native');
  }

  async detach(node: PartName): Promise<void> {
    await runInside(detachNode(this.engine, this.#endpoint(node)), this.#env);
  }

  async applyDelaySeconds(node: PartName): Promise<number> {
    return Number(await runInside(readApplyDelay(this.engine, this.#endpoint(node)), this.#env));
  }

  async setApplyDelay(node: PartName, seconds: number): Promise<void> {
    await runInside(setApplyDelay(this.engine, this.#endpoint(node), seconds), this.#env);
  }

  async bootstrap(progress: (message: string) => void, signal: AbortSignal): Promise<void> {
    if (supervisorNames(this.#state).length > 0) return;
    const text = await this.#compose(['run', '--rm', '--no-deps', '-T', 'bootstrap'], {
      signal,
      timeoutMs: BOOTSTRAP_MS,
    });
    for (const line of text.split('\n').filter((l) => l !== '')) progress(line);
  }

  async askSupervisors(path: (name: string) => string): Promise<Readonly<Record<string, unknown>>> {
    const answers = await askDockerSupervisors(this.#state, path, await listContainers(this.#env));
    return Object.fromEntries(
      supervisorNames(this.#state).map((name) => {
        const answer = answers[name];
        return [name, answer?.status === 200 ? answer.body : null];
      }),
    );
  }

  async orderSupervisors(path: string, body: object, timeoutMs: number): Promise<SupervisorAnswers> {
    const containers = await listContainers(this.#env);
    return orderDockerSupervisors(this.#state, path, body, timeoutMs, containers);
  }

  async logs(request: LogRequest, out: Output, signal: AbortSignal): Promise<void> {
    const services = request.parts.map((part) => this.#service(part));
    const args = ['compose', 'logs', '--no-color', '--tail', String(request.lines)];
    const child = execa('docker', [...args, ...(request.follow ? ['--follow'] : []), ...services], {
      cwd: repositoryRoot,
      env: this.#env,
      stdin: 'ignore',
      stderr: 'inherit',
      buffer: false,
      reject: false,
      cancelSignal: signal,
    });
    for await (const line of createInterface({ input: child.stdout })) out.line(line);
    await child;
  }

  async down(options: { volumes: boolean }, progress: (message: string) => void): Promise<void> {
    progress('docker compose down');
    // A paused container cannot be stopped in an orderly way.
    await this.#compose(['--profile', '*', 'unpause']).catch(() => {});
    const args = ['--profile', '*', 'down', '--remove-orphans', ...(options.volumes ? ['--volumes'] : [])];
    await this.#compose(args, { timeoutMs: DOWN_MS });
  }
}
