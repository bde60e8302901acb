import type { Durability, EngineName } from '@replication-lab/engines';
import type { LabUrls, RuntimeName, Topology } from '../runtime.ts';

/** What runs where something should: `frozen` runs and does nothing (stopped or paused), `down` does not run. */
export type Condition = 'running' | 'frozen' | 'down';

/** What one database node said when asked, and whether there was somebody to ask. */
export interface NodeObservation {
  readonly name: string;
  readonly address: string;
  readonly condition: Condition;
  /** Null when it did not answer in time. */
  readonly answer: NodeAnswer | null;
}

export interface NodeAnswer {
  readonly role: 'primary' | 'replica' | 'unknown';
  readonly readOnly: boolean;
  readonly position: string;
  readonly epoch: number;
  readonly replicating: boolean | null;
  readonly source: string | null;
  readonly engineLagMs: number | null;
}

export interface ServiceObservation {
  readonly name: string;
  readonly condition: Condition;
  readonly ready: boolean;
}

/** What a supervisor says of the lab. */
export interface SupervisorSays {
  /** `passive`: another one acts. */
  readonly phase: string;
  readonly armed: boolean;
  readonly unarmed: readonly string[];
  /** What keeps it from going on. */
  readonly reasons: readonly string[];
}

export interface SupervisorObservation extends ServiceObservation {
  readonly says: SupervisorSays | null;
}

/** What the API replicas' routers say of a node's age. The newest word of any replica that answers. */
export type StalenessByNode = Readonly<Record<string, number | null>>;

export interface ActiveFault {
  readonly name: string;
  readonly node: string;
  readonly healsInMs: number;
}

/** Everything `status` looked at, before it is judged. */
export interface LabObservation {
  readonly engine: EngineName;
  readonly runtime: RuntimeName;
  readonly topology: Topology;
  readonly durability: Durability;
  readonly urls: LabUrls;
  readonly nodes: readonly NodeObservation[];
  readonly apis: readonly ServiceObservation[];
  /** None where no supervisor is to watch. */
  readonly supervisors: readonly SupervisorObservation[];
  readonly haproxy: ServiceObservation;
  readonly staleness: StalenessByNode;
  readonly vip: { readonly address: string; readonly holder: string | null } | null;
  /** CPUs each database may use; null: no cap. */
  readonly capCpus: number | null;
  readonly faults: readonly ActiveFault[];
}

export interface NodeStatus {
  readonly name: string;
  readonly address: string;
  readonly role: 'primary' | 'replica' | 'unknown';
  /** It answered in time. */
  readonly up: boolean;
  readonly condition: Condition;
  readonly readOnly: boolean | null;
  readonly position: string | null;
  /** How old its data can be; 0 on a primary, null when nobody knows. */
  readonly lagMs: number | null;
  readonly epoch: number | null;
  readonly replicating: boolean | null;
  readonly source: string | null;
}

/** The output of `./lab status --json`: fields may be added, not renamed. */
export interface LabStatus {
  readonly engine: EngineName;
  readonly runtime: RuntimeName;
  readonly topology: Topology;
  readonly durability: Durability;
  readonly primary: string | null;
  readonly epoch: number;
  /** Could a dead primary be replaced now, and if not, why not. */
  readonly armed: { readonly ok: boolean; readonly reasons: readonly string[] };
  readonly nodes: readonly NodeStatus[];
  readonly apis: readonly { readonly name: string; readonly ready: boolean; readonly condition: Condition }[];
  readonly supervisors: readonly {
    readonly name: string;
    readonly condition: Condition;
    readonly phase: string | null;
    readonly reasons: readonly string[];
  }[];
  readonly haproxy: { readonly ready: boolean; readonly condition: Condition };
  readonly vip: { readonly address: string; readonly holder: string | null } | null;
  readonly capCpus: number | null;
  readonly faults: readonly ActiveFault[];
  readonly urls: LabUrls;
}
