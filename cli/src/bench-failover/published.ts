/** What cannot run here, as others have published it. Facts with their sources; nothing of it was measured on this machine. */
export interface Published {
  readonly system: string;
  readonly figure: string;
  readonly source: string;
}

export const PUBLISHED: readonly Published[] = [
  {
    system: 'AWS RDS Multi-AZ (PostgreSQL, MySQL, MariaDB)',
    figure: '60 to 120 s; 28 s in the engine, 90 s for clients, 12 s after tuning them',
    source: '72technologies.com',
  },
  {
    system: 'CloudNativePG',
    figure: '40 to 55 s when a node is lost; its own tests allow 20 to 30 s',
    source: 'failover.md and fastfailover_test.go in its repository',
  },
  {
    system: 'pg_auto_failover',
    figure: 'checks every 5 s, unhealthy after 20 s, 30 s for the old primary to step down',
    source: 'its documentation',
  },
  { system: 'repmgr', figure: '6 tries every 10 s: 60 s to detect', source: 'repmgr.conf.sample' },
  {
    system: 'Stolon',
    figure: '20 s to detect; about 1 min reported',
    source: 'its cluster specification; issue #805',
  },
  {
    system: 'fly.io postgres-flex (repmgr)',
    figure: '45 s until the old primary is fenced',
    source: 'pull request #165',
  },
  {
    system: 'Patroni elsewhere',
    figure: '11 s in a lab; about 45 s in Pigsty; 20 s reported by a user',
    source: 'Regen; pigsty.io; issue #759',
  },
  {
    system: 'keepalived with its defaults',
    figure: 'about 3.5 s to move the address',
    source: 'its manual page',
  },
  { system: 'MHA (MySQL)', figure: '9 to 12 s to detect', source: 'HealthCheck.pm: 3 s, 4 times' },
  {
    system: 'orchestrator with Consul and GLB (MySQL)',
    figure: '10 to 13 s, typically',
    source: 'github.blog, 2018-06-20',
  },
  {
    system: 'MySQL Group Replication',
    figure: '5 s to suspect and 5 s to expel; below 10 s at Uber',
    source: 'WL#13773; infoq.com, 2026-03',
  },
  {
    system: 'Vitess VTOrc (MySQL)',
    figure: '5 s and 1 s to detect',
    source: 'the defaults of its flags',
  },
  {
    system: 'MaxScale (MariaDB)',
    figure: 'up to 25 s before it starts',
    source: 'formula in MariaDB-Monitor.md',
  },
];
