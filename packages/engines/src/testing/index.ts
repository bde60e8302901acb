export { makeAuthority, type TestAuthority } from './authority.ts';
export { type AvailableEngines, availableEngines } from './available.ts';
export { Cluster, type ClusterOptions, certificatesFor, startCluster } from './cluster.ts';
export { useServerFromImage } from './server-from-image.ts';
