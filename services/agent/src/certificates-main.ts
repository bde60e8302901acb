import { caFile, ensureCertificates, listCertificates, publicDirectory } from '@replication-lab/certificates';
import {
  API_NAMES,
  CATCHER,
  readEnvironment,
  replicationUser,
  SUPERVISOR_NAMES,
} from '@replication-lab/engines/config';
import { LAB_EXPORTER } from '@replication-lab/monitoring';
import { z } from 'zod';
import { writeEnds } from './certificate-ends.ts';

/** What the one-shot `certificates` reads from its environment. */
const certificatesEnvironment = z.object({
  /** Below it are the folders of `packages/certificates/src/layout.ts`, each a volume of its own. */
  CERTIFICATES_DIR: z.string().default('/certificates'),
  /** Every node that the lab can have, whatever the topology: `db-1=ADDRESS,…`. */
  DB_HOSTS: z.string().transform((text) =>
    text.split(',').map((entry) => {
      const [name = '', address = ''] = entry.split('=');
      return { name, address };
    }),
  ),
  /** Another address of whoever is the primary; empty: none. */
  VIP: z.string().default(''),
  /**
   * 1: all certificates anew. Else only what is missing or over: this cannot have servers take new ones, and does not know whether
   * any run.
   */
  RENEW: z.enum(['', '0', '1']).default(''),
  /** 1: only tells what is there, as JSON. */
  LIST: z.enum(['', '0', '1']).default(''),
});

/** The users of the official images. */
const DATABASE_USER = { uid: 999, gid: 999 };
/** Without its capabilities, it reads only what is its own. */
const ROOT = { uid: 0, gid: 0 };
const NODE_USER = { uid: 1000, gid: 1000 };
const HAPROXY_USER = { uid: 99, gid: 99 };

/** What whoever is inside a container calls it. */
const FROM_INSIDE = ['localhost', '127.0.0.1'];

/** The one-shot `certificates` of docker-compose.yml: see `ensureCertificates`. */
async function main(): Promise<void> {
  const env = readEnvironment(certificatesEnvironment);
  const plan = {
    root: env.CERTIFICATES_DIR,
    nodes: env.DB_HOSTS.map(({ name, address }) => ({
      name,
      addresses: [name, address, ...(env.VIP ? [env.VIP] : [])],
      account: replicationUser(name),
    })),
    services: [...API_NAMES, CATCHER, LAB_EXPORTER, ...SUPERVISOR_NAMES].map((name) => ({
      name,
      addresses: [name, ...FROM_INSIDE],
    })),
    proxyAddresses: [...FROM_INSIDE, 'haproxy'],
    serverOwner: DATABASE_USER,
    agentOwner: ROOT,
    supervisorOwner: NODE_USER,
    serviceOwner: NODE_USER,
    proxyOwner: HAPROXY_USER,
  };
  if (env.LIST === '1') return console.log(JSON.stringify(await listCertificates(plan)));
  const issued = await ensureCertificates(plan, { how: env.RENEW === '1' ? 'renew' : 'missing' });
  await writeEnds(publicDirectory(env.CERTIFICATES_DIR), await listCertificates(plan));
  for (const { file, why, end } of issued)
    console.log(`certificates: ${file} is new (${why}), good until ${end.toISOString()}`);
  if (issued.length === 0)
    console.log(`certificates: all are good; the authority is ${caFile(env.CERTIFICATES_DIR)}`);
}

await main();
