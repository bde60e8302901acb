import { engineOf } from '@replication-lab/engines/local';
import { ensureK6 } from '@replication-lab/load-tests';
import { messageOf } from '../errors.ts';
import { backupNeeds } from '../native/backups.ts';
import { monitoringNeed } from '../native/monitoring.ts';
import { serverNeed } from '../native/needs.ts';
import { ensurePackages, haproxyNeed } from '../native/packages.ts';
import type { LabContext } from '../runtime.ts';
import { throwIfAborted } from '../wait.ts';
import { ensureHadolint } from './hadolint.ts';

/**
 * What the integration and acceptance tests need: the servers that the distribution packages, HAProxy, Prometheus, k6, and the linter of Dockerfiles. (MySQL has
 * no Debian package; its tests take the server out of the Docker image where there is one.)
 */
export async function prepareForTests(context: LabContext): Promise<void> {
  await ensurePackages(
    [serverNeed(engineOf('mariadb')), serverNeed(engineOf('postgres')), haproxyNeed, monitoringNeed],
    context,
  );
  await ensurePackages([...backupNeeds('mariadb'), ...backupNeeds('postgres')], context);
  try {
    await ensureK6({ progress: context.progress, signal: context.signal });
  } catch (error) {
    throwIfAborted(context.signal);
    // Tests that make load say themselves that they did not run.
    context.out.warn(`no k6: ${messageOf(error)}`);
  }
  try {
    await ensureHadolint(context.signal);
  } catch (error) {
    throwIfAborted(context.signal);
    context.out.warn(`no hadolint: ${messageOf(error).split('\n')[0]}`);
  }
}
