import {
  type CertificatePlan,
  ensureCertificates,
  type Issued,
  type Listed,
  listCertificates,
} from '@replication-lab/certificates';
import { NODE_NAMES, replicationUser } from '@replication-lab/engines/config';
import { runAsFor } from '@replication-lab/engines/local';
import type { LabState } from '../state.ts';
import { certificatesDirectory, nodeEndpoint } from './layout.ts';
import { unprivilegedUser } from './users.ts';

type Wanted = Pick<LabState, 'engine' | 'loopback'>;

/** Makes what is missing or near its end; with `renew`, all. See `ensureCertificates`. */
export async function prepareCertificates(
  stateDir: string,
  wanted: Wanted,
  options: { readonly renew?: boolean } = {},
): Promise<readonly Issued[]> {
  return ensureCertificates(await planOf(stateDir, wanted), options);
}

export const certificatesOf = async (stateDir: string, lab: Wanted): Promise<readonly Listed[]> =>
  listCertificates(await planOf(stateDir, lab));

async function planOf(stateDir: string, wanted: Wanted): Promise<CertificatePlan> {
  return {
    root: certificatesDirectory(stateDir),
    nodes: NODE_NAMES.map((name) => ({
      name,
      addresses: [name, nodeEndpoint(wanted, name).host],
      account: replicationUser(name),
    })),
    proxyAddresses: ['localhost', '127.0.0.1'],
    serverOwner: await runAsFor(wanted.engine),
    supervisorOwner: null,
    proxyOwner: await unprivilegedUser(['haproxy', 'nobody']),
  };
}
