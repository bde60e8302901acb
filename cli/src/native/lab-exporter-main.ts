import { readDisk, startExporter } from '@replication-lab/monitoring';
import { readBackupStatus } from './backup-status.ts';
import { listEnds } from './certificates.ts';

/** The exporter of a native lab: of what lies in the state directory LAB_STATE_DIR. */

const { LAB_STATE_DIR: stateDir, HOST: host, PORT: port, TLS_CERT_FILE: certificateFile = '' } = process.env;
if (!stateDir || !host || !port) {
  console.error('LAB_STATE_DIR, HOST and PORT, please');
  process.exit(2);
}

await startExporter({
  ...{ host, port: Number(port), certificateFile, probePort: null },
  read: async () => {
    const [certificates, backup, disk] = await Promise.all([
      listEnds(stateDir),
      readBackupStatus(stateDir),
      readDisk(stateDir),
    ]);
    return { certificates, backup, disk };
  },
});
