import { CATCHER_PORT, CATCHER_SMTP_PORT } from '@replication-lab/engines/names';
import { startCatcher } from './index.ts';

// Read by hand: what checks other services' environments would be half of this one's memory.
const portFrom = (name: string, otherwise: number): number => {
  const port = Number(process.env[name] || otherwise);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  console.error(`${name}=${process.env[name]}: a port, please`);
  process.exit(2);
};

const catcher = await startCatcher({
  host: process.env.HOST || '0.0.0.0',
  port: portFrom('CATCHER_PORT', CATCHER_PORT),
  smtpPort: portFrom('CATCHER_SMTP_PORT', CATCHER_SMTP_PORT),
  onCaught: ({ receivedAt, via, title }) => console.log(`${receivedAt} ${via}: ${title}`),
});
console.log(`catches notices at ${catcher.url} and ${catcher.smtpUrl}`);
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => void catcher[Symbol.asyncDispose]().then(() => process.exit(0)));
}
