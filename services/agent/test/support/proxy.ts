import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type CertificateFiles, createServiceServer } from '@replication-lab/engines/https';
import { until } from './wait.ts';

const CONFIGURATION = fileURLToPath(new URL('../../../../infra/haproxy/haproxy.cfg', import.meta.url));

export async function haproxyVersion(): Promise<string | null> {
  const { stdout } = await promisify(execFile)('haproxy', ['-v']).catch(() => ({ stdout: '' }));
  return /version (\d+\.\d+\S*)/.exec(stdout)?.[1] ?? null;
}

/** Checks the file as `haproxy -c` does; returns what it printed and how it ended. */
export async function checkConfiguration(
  env: Record<string, string>,
): Promise<{ code: number; text: string }> {
  const child = spawn('haproxy', ['-c', '-f', CONFIGURATION], { env: { PATH: process.env.PATH, ...env } });
  let text = '';
  child.stdout.on('data', (data) => (text += data));
  child.stderr.on('data', (data) => (text += data));
  const [code] = await once(child, 'exit');
  return { code, text };
}

type Behaviour = (request: IncomingMessage, response: ServerResponse) => void;

/** Stands in for an API replica: answers `/readyz` and whatever a test wants. */
export class FakeApi {
  readonly name: string;
  readonly host: string;
  /** What it shows; null: it speaks clear text. */
  certificate: CertificateFiles | null;
  ready = true;
  behaviour: Behaviour = (_, response) => response.end('{}');
  /** Requests that reached it, without the checks: `GET /users`. */
  readonly seen: string[] = [];
  #server: Server | null = null;

  constructor(name: string, host: string, certificate: CertificateFiles | null) {
    this.name = name;
    this.host = host;
    this.certificate = certificate;
  }

  async start(): Promise<void> {
    const server = createServiceServer({ files: this.certificate }, (request, response) => {
      if (request.url === '/readyz') {
        response.writeHead(this.ready ? 200 : 503).end();
        return;
      }
      this.seen.push(`${request.method} ${request.url}`);
      response.setHeader('Served-By', this.name);
      this.behaviour(request, response);
    });
    server.listen(3000, this.host);
    await once(server, 'listening');
    this.#server = server;
  }

  /** As if its process had died: nothing listens, every connection is cut. */
  kill(): void {
    this.#server?.close();
    this.#server?.closeAllConnections();
    this.#server = null;
  }
}

export class RunningProxy {
  readonly url: string;
  readonly operationsUrl: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, host: string) {
    this.#child = child;
    this.url = `http://${host}:8080`;
    this.operationsUrl = `http://${host}:8404`;
  }

  static async start(
    host: string,
    apis: readonly FakeApi[],
    env: Record<string, string> = {},
    good: readonly string[] = apis.filter(({ ready }) => ready).map(({ name }) => name),
  ): Promise<RunningProxy> {
    const child = spawn('haproxy', ['-db', '-f', CONFIGURATION], {
      stdio: 'ignore',
      env: { PATH: process.env.PATH, ...addresses(host, apis), ...env },
    });
    const proxy = new RunningProxy(child, host);
    await until('haproxy finds its servers', 10_000, async () => {
      const states = await proxy.serverStates();
      return apis.every(({ name }) => states[name]?.startsWith(good.includes(name) ? 'UP' : 'DOWN'));
    });
    return proxy;
  }

  /** By server: `UP`, `DOWN` … as the statistics say. */
  async serverStates(): Promise<Record<string, string>> {
    const text = await (await fetch(`${this.operationsUrl}/;csv`)).text();
    const rows = text.split('\n').map((line) => line.split(','));
    const status = rows[0]?.indexOf('status') ?? -1;
    return Object.fromEntries(
      rows.filter((row) => row[0] === 'api').map((row) => [row[1] ?? '', row[status] ?? '']),
    );
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
  }
}

export function addresses(host: string, apis: readonly FakeApi[]): Record<string, string> {
  return {
    HTTP_BIND: `${host}:8080`,
    STATS_BIND: `${host}:8404`,
    ...Object.fromEntries(apis.map((api, i) => [`API_${i + 1}`, `${api.host}:3000`])),
  };
}
