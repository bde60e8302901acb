import { certificateFilesFrom, createServiceServer, limited } from '@replication-lab/engines/https';
import { readFigures, renderFigures } from './lab-figures.ts';

/** `GET /metrics` of what lies in the state directory LAB_STATE_DIR; every other path only says that it runs. */

const { LAB_STATE_DIR: stateDir, HOST: host, PORT: port, TLS_CERT_FILE = '' } = process.env;
if (!stateDir || !host || !port) {
  console.error('LAB_STATE_DIR, HOST and PORT, please');
  process.exit(2);
}

const files = certificateFilesFrom({ TLS_CERT_FILE, TLS_KEY_FILE: '' });
const onUnusable = (error: Error) => console.error('the new certificate cannot be used:', error.message);
const server = createServiceServer({ files, onUnusable }, async (request, response) => {
  try {
    const text = request.url === '/metrics' ? renderFigures(await readFigures(stateDir)) : 'ok\n';
    response.writeHead(200, { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' }).end(text);
  } catch (error) {
    console.error(error);
    response.writeHead(500).end();
  }
});
limited(server).listen(Number(port), host);
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    server.close(() => process.exit(0));
    server.closeAllConnections();
  });
}
