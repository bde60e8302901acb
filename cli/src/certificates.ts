import { CERTIFICATE_DAYS } from '@replication-lab/certificates';
import { engineOf } from '@replication-lab/engines/local';
import { isDatabase, type LabRuntime } from './runtime.ts';

const DAY_MS = 86_400_000;

/** For a lab that is up: certificates in the last third of their life are renewed; see `LabRuntime.renewCertificates`. */
export async function renewWhenDue(
  lab: Pick<LabRuntime, 'certificates' | 'renewCertificates'>,
  progress: (message: string) => void,
): Promise<void> {
  const due = Date.now() + (CERTIFICATE_DAYS * DAY_MS) / 3;
  const [, ...certificates] = await lab.certificates();
  if (certificates.every(({ end }) => end !== null && end.getTime() > due)) return;
  progress('certificates are near their end: renewing them');
  await lab.renewCertificates(progress);
}

/** Has every database that runs read its certificate anew. */
export async function reloadNodes(
  lab: Pick<LabRuntime, 'engine' | 'parts' | 'condition' | 'queryAsAdmin'>,
  progress: (message: string) => void,
): Promise<void> {
  const { reloadCertificates } = engineOf(lab.engine).admin;
  for (const node of lab.parts.filter(isDatabase)) {
    if ((await lab.condition(node)) !== 'running') {
      progress(`${node} does not run: it takes its new certificate when it is started`);
      continue;
    }
    progress(`${node} takes its new certificate`);
    await lab.queryAsAdmin(node, [reloadCertificates]);
  }
}
