/**
 * What a scenario reads from its environment. The names avoid the `K6_` prefix: k6 takes those for its own options,
 * and a `K6_VUS` would silently replace the scenarios of the script.
 */
export function text(name: string, fallback?: string): string {
  const value = __ENV[name] || fallback;
  if (value === undefined) throw new Error(`set ${name}, for example k6 run -e ${name}=…`);
  return value;
}

export function number(name: string, fallback: number): number {
  const value = Number(__ENV[name] || fallback);
  if (!Number.isFinite(value) || value < 0) throw new Error(`${name} must be a number, 0 or more`);
  return value;
}

export const common = {
  baseUrl: text('BASE_URL', 'http://127.0.0.1:8080').replace(/\/$/, ''),
  /** Where the summary goes; nothing is written when it is not set. */
  outDir: __ENV.OUT_DIR || null,
  seed: number('SEED', 1),
  users: number('USERS', 100_000),
};
