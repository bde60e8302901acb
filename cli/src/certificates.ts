import { engineOf } from '@replication-lab/engines/local';
import { isDatabase, type LabRuntime } from './runtime.ts';

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
