import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type CertificatePlan,
  caFile,
  ensureCertificates,
  SERVER,
  serviceDirectory,
} from '@replication-lab/certificates';
import type { CertificateFiles } from '../https.ts';
import { certificatesFor } from './cluster.ts';

/** An authority and certificates of programs, for tests; they go when it is disposed of. */
export interface TestAuthority extends AsyncDisposable {
  /** Its certificate: the file, and its text. */
  readonly caFile: string;
  readonly ca: string;
  /** What this program shows. */
  files(service: string): CertificateFiles;
  /** All anew, in the same files. */
  renew(): Promise<void>;
}

export async function makeAuthority(services: CertificatePlan['services']): Promise<TestAuthority> {
  const root = await mkdtemp(join(tmpdir(), 'rl-authority-'));
  const plan = certificatesFor([], root, null, [], services);
  await ensureCertificates(plan);
  return {
    caFile: caFile(root),
    ca: await readFile(caFile(root), 'utf8'),
    files(service) {
      const both = join(serviceDirectory(root, service), SERVER);
      return { certificate: both, key: both };
    },
    async renew() {
      await ensureCertificates(plan, { how: 'renew' });
    },
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}
