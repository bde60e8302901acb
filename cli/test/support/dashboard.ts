import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repositoryRoot } from '../../src/paths.ts';

interface Panel {
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string }[];
}
interface Board {
  readonly panels: readonly Panel[];
  readonly annotations: { readonly list: readonly { readonly name: string; readonly expr: string }[] };
}

const FILE = join(repositoryRoot, 'infra/monitoring/grafana/dashboards/replication-lab.json');
/** What Grafana puts in place of a variable, when nothing was chosen. */
const VARIABLES = { $node: '.*', $__rate_interval: '30s' };

/** What the dashboard asks Prometheus, variables replaced. Throws for a variable that is not known here. */
export async function readDashboard() {
  const { panels, annotations } = JSON.parse(await readFile(FILE, 'utf8')) as Board;
  const asked = [
    ...panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ where: title, expr }))),
    ...annotations.list.map(({ name, expr }) => ({ where: name, expr })),
  ];
  return { panels, questions: asked.map(({ where, expr }) => ({ where, expression: replaced(expr) })) };
}

function replaced(expr: string): string {
  const text = Object.entries(VARIABLES).reduce((t, [name, value]) => t.replaceAll(name, value), expr);
  if (text.includes('$')) throw new Error(`a variable that is not known: ${text}`);
  return text;
}
