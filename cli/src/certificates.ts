import { isDue } from '@replication-lab/certificates';
import { engineOf } from '@replication-lab/engines/local';
import { LabError, messageOf } from './errors.ts';
import { isDatabase, type LabRuntime } from './runtime.ts';

/**
 * For a lab that is up: certificates in the last third of their life are renewed; see `LabRuntime.renewCertificates`. Not
 * while a database is frozen: it could not take its new one.
 */
export async function renewWhenDue(lab: LabRuntime, progress: (message: string) => void): Promise<void> {
  const now = new Date();
  const [, ...certificates] = await lab.certificates();
  if (certificates.every(({ end }) => end !== null && !isDue(end, now))) return;
  const conditions = await Promise.all(lab.parts.filter(isDatabase).map((node) => lab.condition(node)));
  if (conditions.includes('frozen'))
    return progress('certificates are due, after ./lab heal: ./lab certs --renew');
  progress('certificates are near their end: renewing them');
  await lab.renewCertificates(progress);
}

/**
 * Has every database that runs read its certificate anew, one after the other, whatever happens to the others. Throws LabError
 * `not-taken` naming those that did not.
 */
export async function reloadNodes(
  lab: Pick<LabRuntime, 'engine' | 'parts' | 'condition' | 'queryAsAdmin'>,
  progress: (message: string) => void,
): Promise<void> {
  const { reloadCertificates } = engineOf(lab.engine).admin;
  const failures: string[] = [];
  for (const node of lab.parts.filter(isDatabase)) {
    if ((await lab.condition(node)) === 'down') {
      progress(`${node} does not run: it takes its new certificate when it is started`);
      continue;
    }
    progress(`${node} takes its new certificate`);
    await lab.queryAsAdmin(node, [reloadCertificates]).catch((error: unknown) => {
      failures.push(`${node}: ${messageOf(error)}`);
    });
  }
  if (failures.length === 0) return;
  const what = `not every database has taken its new certificate (${failures.join('; ')})`;
  throw new LabError('not-taken', what, './lab heal, then ./lab certs --renew');
}
