import { dumpOf, FAST } from '../mysql-protocol/dump.ts';
import { toolOf } from './copy.ts';
import { logEnd, snapshot } from './look.ts';

export const dump = dumpOf(
  {
    tool: (site) => toolOf(site, 'mariadb-dump'),
    client: (site) => toolOf(site, 'mariadb'),
    clientName: 'mariadb',
    options: [],
    ...{ lockedSnapshot: snapshot, snapshot, logEnd },
  },
  [FAST],
);
