/**
 * What the measurements need of a lab, whatever runtime it lives in. The `lab` command implements it for docker and
 * for native; the measurements know nothing of containers or processes.
 */
export type Arm = 'single' | 'replicated';

export interface Usage {
  /** CPU seconds used since the process or container began. */
  readonly cpuSeconds: number;
  /** Time held back by the CPU cap since then, in ms; null where the cap's accounting cannot be read. */
  readonly throttledMs: number | null;
}

export interface CapResult {
  readonly applied: boolean;
  /** Why not, in words for the report. */
  readonly reason: string | null;
}

export interface CommandLine {
  readonly file: string;
  /** Ends after the script's path, so that further k6 flags (`--out …`) can be added behind. */
  readonly args: readonly string[];
  /** Added to the environment of this process. */
  readonly env: Readonly<Record<string, string>>;
  /** OUT_DIR as k6 itself sees it: the `outDir` that was asked for (native), or the path inside the container. */
  readonly outDir: string;
}

export interface LabUnderTest {
  readonly engine: 'mysql' | 'mariadb' | 'postgres';
  readonly engineVersion: string;
  readonly runtime: 'docker' | 'native';
  /** Where a client on this machine reaches HAProxy. */
  readonly baseUrl: string;
  /**
   * Brings the lab into this arm and waits until it is ready and every replica has caught up.
   * `single`: only db-1 runs and the API replicas know of no other node. `replicated`: db-1 and two replicas.
   * The data stays. The primary stays db-1.
   */
  useArm(arm: Arm, signal: AbortSignal): Promise<void>;
  /** The same cap, in CPUs, for every database node; null lifts it. Short periods (10 ms). Survives `useArm`. */
  capDatabases(cpus: number | null): Promise<CapResult>;
  /** By name: db-1 …, api-1 …, haproxy; also k6 where it runs in a container. Only what runs now. */
  usage(): Promise<Readonly<Record<string, Usage>>>;
  /** Makes sure that `count` seeded users are there (idempotent), uncapped, and waits until replicas have them. */
  seed(count: number, signal: AbortSignal): Promise<void>;
  /**
   * Every replica (or only the named ones) applies each transaction that many whole seconds late; returns once that is
   * so, and disposing ends it and waits for catch-up.
   */
  forceLag(seconds: number, signal: AbortSignal, nodes?: readonly string[]): Promise<AsyncDisposable>;
  /**
   * The command that runs k6 with this script. `script` and `outDir` are paths on this machine; the base URL reaches the
   * script as the environment variable BASE_URL, and what it writes below OUT_DIR lands in `outDir`.
   */
  k6(script: string, outDir: string, env: Readonly<Record<string, string>>): Promise<CommandLine>;
}
