import { certificateFilesFrom } from '@replication-lab/engines/https';
import { CATCHER_PORT, CATCHER_SMTP_PORT, CATCHER_TLS_PORT } from '@replication-lab/engines/names';
import { startCatcher } from './index.ts';

// Read by hand: what checks other services' environments would be half of this one's memory.
const portFrom = (name: string, otherwise: number): number => {
  const port = Number(process.env[name] || otherwise);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  console.error(`${name}=${process.env[name]}: a port, please`);
  process.exit(2);
};

const { TLS_CERT_FILE = '', TLS_KEY_FILE = '' } = process.env;
const files = certificateFilesFrom({ TLS_CERT_FILE, TLS_KEY_FILE });
const catcher = await startCatcher({
  host: process.env.HOST || '0.0.0.0',
  port: portFrom('CATCHER_PORT', CATCHER_PORT),
  smtpPort: portFrom('CATCHER_SMTP_PORT', CATCHER_SMTP_PORT),
  tls: files && { files, port: portFrom('CATCHER_TLS_PORT', CATCHER_TLS_PORT) },
  onCaught: ({ receivedAt, via, title }) => console.log(`${receivedAt} ${via}: ${title}`),
});
console.log(`catches notices at ${catcher.webhookUrl} and ${catcher.smtpUrl}, shows them at ${catcher.url}`);
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => void catcher[Symbol.asyncDispose]().then(() => process.exit(0)));
}
