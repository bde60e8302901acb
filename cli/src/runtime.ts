import type { EngineName } from '@replication-lab/engines';
import type { LabUnderTest } from '@replication-lab/load-tests';
import type { VerbContext } from './verb.ts';

export type RuntimeName = 'docker' | 'native';
export type Topology = 'single' | 'replicated';

/** What a verb that works on a lab needs of its surroundings: a part of VerbContext. */
export type LabContext = Pick<VerbContext, 'out' | 'progress' | 'signal' | 'interactive' | 'yes'>;

/** What to bring up; what is left out takes the defaults of `./lab up`. */
export interface UpRequest {
  readonly engine?: EngineName;
  readonly runtime?: RuntimeName;
  readonly topology?: Topology;
  /** Optional parts (docker): profiles of docker-compose.yml. */
  readonly with?: readonly string[];
}

export interface LabUrls {
  readonly api: string;
  readonly haproxyStats: string;
  readonly [name: string]: string;
}

export interface RunningLab {
  readonly engine: EngineName;
  readonly runtime: RuntimeName;
  readonly topology: Topology;
  readonly urls: LabUrls;
  /** True when `bringUp` found it as wanted and changed nothing. */
  readonly alreadyUp: boolean;
  /** The lab as the measurements see it. */
  underTest(): Promise<LabUnderTest>;
}

/** What the `up` verb does, for verbs that need a lab first (compare, demo). Idempotent; throws LabError. */
export type BringUp = (request: UpRequest, context: LabContext) => Promise<RunningLab>;
