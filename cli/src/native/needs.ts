import type { Engine } from '@replication-lab/engines';
import type { Need } from './packages.ts';

/** The engine's server, as something that packages can bring. */
export function serverNeed({ name, server }: Engine): Need {
  // Debian has the client's tools apart; people want them at hand when a lab is up.
  const client = name === 'mariadb' ? ['mariadb-client-core'] : [];
  return {
    what: `the ${name} server`,
    packages: server.debianPackages.length > 0 ? [...server.debianPackages, ...client] : [],
    explain: server.explainMissing,
    present: async () => (await server.find()) !== null,
  };
}
