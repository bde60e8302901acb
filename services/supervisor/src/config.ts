import {
  AGENT_PORT,
  DEFAULT_AGENT_TOKEN,
  DEFAULT_SUPERVISOR_TOKEN,
  databaseEnvironment,
  fileText,
  SUPERVISOR_PORT,
  serviceEnvironment,
} from '@replication-lab/engines/config';
import { z } from 'zod';
import { mailIsComplete, noticeEnvironment } from './notices/config.ts';

/** What a supervisor reads from its environment. All defaults are here or in the engines' `config.ts`. */
export const supervisorEnvironment = databaseEnvironment
  .omit({
    DB_ADMIN_PASSWORD: true,
    DB_APP_PASSWORD: true,
    DB_APP_READ_ONLY_PASSWORD: true,
    DB_MONITOR_PASSWORD: true,
  })
  .extend({
    /** Its name in logs: several run at once. */
    SUPERVISOR_NAME: z
      .string()
      .regex(/^[a-z0-9-]{1,63}$/)
      .default('supervisor-1'),
    HOST: z.string().default('0.0.0.0'),
    SUPERVISOR_PORT: z.coerce.number().int().min(1).max(65_535).default(SUPERVISOR_PORT),
    ...serviceEnvironment.shape,
    /**
     * With a certificate: where it answers its own machine in clear text, `/livez` only. For the health check of a container.
     * 0: nowhere.
     */
    PROBE_PORT: z.coerce.number().int().min(0).max(65_535).default(0),
    /** Its status is told to whoever knows it. */
    SUPERVISOR_TOKEN: z.string().min(8).default(DEFAULT_SUPERVISOR_TOKEN),
    /** To have nodes restarted and made anew by the agents on their hosts. */
    AGENT_PORT: z.coerce.number().int().min(1).max(65_535).default(AGENT_PORT),
    AGENT_TOKEN: z.string().min(8).default(DEFAULT_AGENT_TOKEN),
    /** A file with the authority's certificate: with it agents are spoken to over TLS only. */
    AGENT_TLS_CA: fileText,
    ...noticeEnvironment.shape,
    LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'silent']).default('info'),
  })
  .refine(mailIsComplete, {
    path: ['NOTIFY_SMTP_URL'],
    error: 'a mail needs NOTIFY_MAIL_FROM and NOTIFY_MAIL_TO as well',
  });
export type SupervisorEnvironment = z.infer<typeof supervisorEnvironment>;
