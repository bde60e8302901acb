import {
  AuthorityError,
  type CertificatePlan,
  ensureCertificates,
  type Issued,
  type Listed,
  listCertificates,
} from '@replication-lab/certificates';
import { API_NAMES, NODE_NAMES, replicationUser, SUPERVISOR_NAMES } from '@replication-lab/engines/config';
import { runAsFor } from '@replication-lab/engines/local';
import { LAB_EXPORTER } from '@replication-lab/monitoring';
import { LabError } from '../errors.ts';
import { type LabState, readState } from '../state.ts';
import {
  apiHost,
  CATCHER,
  catcherHost,
  certificatesDirectory,
  nodeEndpoint,
  supervisorHost,
} from './layout.ts';
import { monitorAddress } from './monitoring.ts';
import { unprivilegedUser } from './users.ts';

type Wanted = Pick<LabState, 'engine' | 'loopback'>;

/** See `ensureCertificates`. LabError `authority-unusable`. */
export async function prepareCertificates(
  stateDir: string,
  wanted: Wanted,
  how: 'due' | 'missing' | 'renew',
  now = new Date(),
): Promise<readonly Issued[]> {
  try {
    return await ensureCertificates(await planOf(stateDir, wanted), { how, now });
  } catch (error) {
    if (!(error instanceof AuthorityError)) throw error;
    throw new LabError('authority-unusable', error.message, './lab down, then ./lab up', error);
  }
}

export const certificatesOf = async (stateDir: string, lab: Wanted): Promise<readonly Listed[]> =>
  listCertificates(await planOf(stateDir, lab));

/** When each certificate of the lab that is up ends or has ended, whether it will still do or not: none where it has none. */
export async function listEnds(stateDir: string): Promise<readonly Pick<Listed, 'file' | 'writtenEnd'>[]> {
  const lab = await readState(stateDir);
  return lab?.certificates ? certificatesOf(stateDir, lab) : [];
}

async function planOf(stateDir: string, wanted: Wanted): Promise<CertificatePlan> {
  return {
    root: certificatesDirectory(stateDir),
    nodes: NODE_NAMES.map((name) => ({
      name,
      addresses: [name, nodeEndpoint(wanted, name).host],
      account: replicationUser(name),
    })),
    services: [
      ...API_NAMES.map((name) => ({ name, addresses: [name, apiHost(wanted, name)] })),
      { name: CATCHER, addresses: [CATCHER, catcherHost(wanted)] },
      { name: LAB_EXPORTER, addresses: [LAB_EXPORTER, monitorAddress(wanted, LAB_EXPORTER).host] },
      ...SUPERVISOR_NAMES.map((name) => ({ name, addresses: [name, supervisorHost(wanted, name)] })),
    ],
    proxyAddresses: ['localhost', '127.0.0.1'],
    serverOwner: await runAsFor(wanted.engine),
    agentOwner: null,
    supervisorOwner: null,
    serviceOwner: null,
    proxyOwner: await unprivilegedUser(['haproxy', 'nobody']),
  };
}
