import { once } from 'node:events';
import type { RequestListener, Server } from 'node:http';
import {
  certificateFilesFrom,
  createProbeServer,
  createServiceServer,
  limited,
} from '@replication-lab/engines/https';
import { type LabFigures, renderFigures } from './figures.ts';

export const METRICS_PATH = '/metrics';
const PROBE_PATH = '/livez';

export interface ExporterOptions {
  readonly host: string;
  readonly port: number;
  /** Certificate and key; empty: plain HTTP. */
  readonly certificateFile: string;
  /** Where it answers its own machine in clear text that it lives; null: nowhere. */
  readonly probePort: number | null;
  readonly read: () => Promise<LabFigures>;
}

/**
 * `GET /metrics` of what `read` says at that moment, 500 when it throws; every other path only says that it runs. Ends on SIGTERM
 * and SIGINT. Throws when a port is taken or the certificate cannot be used.
 */
export async function startExporter(options: ExporterOptions): Promise<void> {
  const { host, port, certificateFile, probePort, read } = options;
  const answer: RequestListener = async (request, response) => {
    try {
      const text = request.url === METRICS_PATH ? renderFigures(await read()) : 'ok\n';
      response.writeHead(200, { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' }).end(text);
    } catch (error) {
      console.error(error);
      response.writeHead(500).end();
    }
  };
  const files = certificateFilesFrom({ TLS_CERT_FILE: certificateFile, TLS_KEY_FILE: '' });
  const onUnusable = (error: Error) => console.error('the new certificate cannot be used:', error.message);
  const servers: Server[] = [
    limited(createServiceServer({ files, onUnusable }, answer)).listen(port, host),
    ...(probePort === null ? [] : [createProbeServer([PROBE_PATH], answer).listen(probePort, '127.0.0.1')]),
  ];
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const end = () => {
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, end);
}
