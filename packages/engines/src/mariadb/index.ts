import type { Engine } from '../types.ts';
import { admin } from './admin.ts';
import { client } from './client.ts';
import { failover } from './failover.ts';
import { server } from './server.ts';

export const mariadb: Engine = { name: 'mariadb', client, admin, failover, server };
