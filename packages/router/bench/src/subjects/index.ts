import type { EngineName } from '@replication-lab/engines';
import type { Workload } from '../protocol.ts';
import type { OpenSubject } from './types.ts';

export interface SubjectInfo {
  readonly name: string;
  readonly label: string;
  /** `router`: what is judged; `raw`: what it is judged by; `library`: what it is compared with. */
  readonly kind: 'raw' | 'router' | 'library';
  readonly engines: readonly EngineName[];
  readonly workloads: readonly Workload[];
  /** Measured only when it is asked for by name. */
  readonly diagnostic?: boolean;
}

const ALL: readonly EngineName[] = ['mysql', 'mariadb', 'postgres'];
const EVERY: readonly Workload[] = ['reads', 'writes', 'mixed'];
const READING: readonly Workload[] = ['reads', 'mixed'];

/** All subjects, in the order of the table. The first is what all others are divided by. */
export const SUBJECTS: readonly SubjectInfo[] = [
  { name: 'raw', label: 'driver pools, by hand', kind: 'raw', engines: ALL, workloads: EVERY },
  {
    name: 'raw-again',
    label: 'the same once more (noise)',
    kind: 'raw',
    engines: ALL,
    workloads: EVERY,
  },
  {
    name: 'raw-primary',
    label: 'driver pool, primary only',
    kind: 'raw',
    engines: ALL,
    workloads: READING,
  },
  {
    name: 'engine-pool',
    label: "the router's pools alone",
    kind: 'raw',
    engines: ALL,
    workloads: EVERY,
    diagnostic: true,
  },
  { name: 'router-eventual', label: 'router: eventual', kind: 'router', engines: ALL, workloads: EVERY },
  { name: 'router-bounded', label: 'router: bounded 1 s', kind: 'router', engines: ALL, workloads: READING },
  { name: 'router-session', label: 'router: session', kind: 'router', engines: ALL, workloads: EVERY },
  {
    name: 'router-object',
    label: 'router: session object',
    kind: 'router',
    engines: ALL,
    workloads: EVERY,
  },
  {
    name: 'router-query',
    label: 'router: session, classified',
    kind: 'router',
    engines: ALL,
    workloads: EVERY,
  },
  { name: 'router-primary', label: 'router: primary', kind: 'router', engines: ALL, workloads: READING },
  {
    name: 'pool-cluster',
    label: 'mysql2 PoolCluster',
    kind: 'library',
    engines: ['mysql', 'mariadb'],
    workloads: EVERY,
  },
  {
    name: 'mariadb-cluster',
    label: 'mariadb PoolCluster',
    kind: 'library',
    engines: ['mysql', 'mariadb'],
    workloads: EVERY,
  },
  { name: 'sequelize', label: 'Sequelize', kind: 'library', engines: ALL, workloads: EVERY },
  { name: 'typeorm', label: 'TypeORM', kind: 'library', engines: ALL, workloads: EVERY },
  { name: 'kysely', label: 'kysely-replication', kind: 'library', engines: ALL, workloads: EVERY },
  { name: 'drizzle', label: 'Drizzle withReplicas', kind: 'library', engines: ALL, workloads: EVERY },
  { name: 'mikro-orm', label: 'MikroORM', kind: 'library', engines: ALL, workloads: EVERY },
  { name: 'prisma', label: 'Prisma read replicas', kind: 'library', engines: ALL, workloads: EVERY },
];

/** Each module once, and only in the process that measures it. */
export async function openerOf(name: string): Promise<OpenSubject> {
  switch (name) {
    case 'raw':
    case 'raw-again':
      return (await import('./raw.ts')).openRaw('replicas');
    case 'raw-primary':
      return (await import('./raw.ts')).openRaw('primary');
    case 'engine-pool':
      return (await import('./engine-pool.ts')).openEnginePool;
    case 'router-eventual':
      return (await import('./router.ts')).openRouter({ level: 'eventual' });
    case 'router-bounded':
      return (await import('./router.ts')).openRouter({ level: 'bounded', maxStalenessMs: 1000 });
    case 'router-session':
      return (await import('./router.ts')).openRouter({ level: 'session' });
    case 'router-primary':
      return (await import('./router.ts')).openRouter({ level: 'primary' });
    case 'router-object':
      return (await import('./router.ts')).openSessionObject;
    case 'router-query':
      return (await import('./router.ts')).openClassified;
    case 'pool-cluster':
      return (await import('./pool-cluster.ts')).openPoolCluster;
    case 'mariadb-cluster':
      return (await import('./mariadb-cluster.ts')).openMariadbCluster;
    case 'sequelize':
      return (await import('./sequelize.ts')).openSequelize;
    case 'typeorm':
      return (await import('./typeorm.ts')).openTypeorm;
    case 'kysely':
      return (await import('./kysely.ts')).openKysely;
    case 'drizzle':
      return (await import('./drizzle.ts')).openDrizzle;
    case 'mikro-orm':
      return (await import('./mikro-orm.ts')).openMikroOrm;
    case 'prisma':
      return (await import('./prisma.ts')).openPrisma;
    default:
      throw new Error(`there is no subject ${name}`);
  }
}
