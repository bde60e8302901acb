import { join } from 'node:path';
import { TLS_FILES } from '@replication-lab/engines/names';

/**
 * Where the certificates of a lab are, below one directory. What one consumer needs is in one folder, so that it can be given
 * that folder and nothing else.
 */
export const authorityDirectory = (root: string): string => join(root, 'authority');
/** For whoever only has to verify. */
export const publicDirectory = (root: string): string => join(root, 'public');
export const caFile = (root: string): string => join(publicDirectory(root), CA);
/** One node's: what its server shows to clients, and what it shows itself to its source. */
export const nodeDirectory = (root: string, node: string): string => join(root, 'nodes', node);
/** What the agent of one node shows. */
export const agentDirectory = (root: string, node: string): string => join(root, 'agents', node);
/** What another program of the lab shows: an API replica, a supervisor. */
export const serviceDirectory = (root: string, service: string): string => join(root, 'services', service);
/** For those who act in the name of nodes (the supervisors): all nodes' client certificates. */
export const replicationDirectory = (root: string): string => join(root, 'replication');
export const proxyDirectory = (root: string): string => join(root, 'proxy');

export const { ca: CA, server: SERVER, replication: REPLICATION } = TLS_FILES;
export const replicationFile = (account: string): string => `${account}.pem`;
