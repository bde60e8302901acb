import type { Engine } from '../types.ts';
import { admin } from './admin.ts';
import { client } from './client.ts';
import { failover } from './failover.ts';
import { server } from './server.ts';

export const postgres: Engine = { name: 'postgres', client, admin, failover, server };
