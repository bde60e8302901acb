import { readEnvironment, serviceEnvironment } from '@replication-lab/engines/config';
import { MONITOR_PORTS, readDisk, startExporter } from '@replication-lab/monitoring';
import { z } from 'zod';
import { readEnds } from './certificate-ends.ts';

/** The exporter of a docker lab: of its certificates, as the one-shot `certificates` left them, and of the disk of its volumes. */

const env = readEnvironment(
  serviceEnvironment.pick({ TLS_CERT_FILE: true }).extend({
    HOST: z.string().default('0.0.0.0'),
    PROBE_PORT: z.coerce.number().int().min(1).max(65_535),
    /** The folder that is everybody's: see packages/certificates/src/layout.ts. */
    PUBLIC_DIR: z.string().min(1),
  }),
);

await startExporter({
  ...{ host: env.HOST, port: MONITOR_PORTS['lab-exporter'], certificateFile: env.TLS_CERT_FILE },
  probePort: env.PROBE_PORT,
  read: async () => {
    const [certificates, disk] = await Promise.all([readEnds(env.PUBLIC_DIR), readDisk(env.PUBLIC_DIR)]);
    // Backups are made of native labs only.
    return { certificates, backup: null, disk };
  },
});
