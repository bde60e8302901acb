import type { EngineName } from './types.ts';

/** What the lab's parts are called. Apart from the configuration, because the router needs these and no more. */
export const DATABASE_NAME = 'lab';
export const DEFAULT_PORT: Readonly<Record<EngineName, number>> = {
  mysql: 3306,
  mariadb: 3306,
  postgres: 5432,
};
export const NODE_NAMES = ['db-1', 'db-2', 'db-3'] as const;

/** Three replicas of the API, so that one may end; two supervisors, for the same reason. */
export const API_NAMES = ['api-1', 'api-2', 'api-3'] as const;
export const SUPERVISOR_NAMES = ['supervisor-1', 'supervisor-2'] as const;
export const HAPROXY = 'haproxy';

/** Where a replica of the API listens. */
export const API_PORT = 3000;

/** Files of a node's TLS folder. Each but the first holds a certificate and its key. */
export const TLS_FILES = { ca: 'ca.pem', server: 'server.pem', replication: 'replication.pem' } as const;

/** What supervisors log in as. */
export const SUPERVISOR_USER = 'supervisor';

/** Where the agent of a node's host listens, and what opens it unless AGENT_TOKEN says otherwise. */
export const AGENT_PORT = 8080;
/** Where an agent in a container answers its own machine in clear text, when it speaks HTTPS to all others. */
export const AGENT_PROBE_PORT = 8081;
export const DEFAULT_AGENT_TOKEN = 'lab-agent-token';

/** Where a supervisor tells its status, and what opens it unless SUPERVISOR_TOKEN says otherwise. */
export const SUPERVISOR_PORT = 8090;
export const DEFAULT_SUPERVISOR_TOKEN = 'lab-supervisor-token';

/** Takes the supervisors' notices, and shows them. */
export const CATCHER = 'catcher';
/** Where it listens: for readers with a browser, for webhooks over HTTPS, and for mail. */
export const CATCHER_PORT = 8025;
export const CATCHER_TLS_PORT = 8026;
export const CATCHER_SMTP_PORT = 1025;
