import { isDatabase, type LabRuntime } from '../runtime.ts';
import { within } from '../wait.ts';
import { answerOf, STATEMENTS, type StatementAnswer } from './statements.ts';

/** A database that runs answers at once; docker needs a container to ask from. */
const ASK_MS = 20_000;

/** Puts the statements of its engine to every database that runs, all at once. One that is frozen or dead is not waited for. */
export async function askStatements(
  lab: Pick<LabRuntime, 'engine' | 'parts' | 'condition' | 'queryAsAdmin'>,
): Promise<StatementAnswer[]> {
  const statements = STATEMENTS[lab.engine];
  const asked = lab.parts.filter(isDatabase).map(async (node) => {
    const runs = (await lab.condition(node)) === 'running';
    const sql = statements.map((statement) => statement.sql);
    const answers = runs ? await within(ASK_MS, lab.queryAsAdmin(node, sql)).catch(() => null) : null;
    return statements.map((statement, i) => answerOf(node, statement, answers?.[i]));
  });
  return (await Promise.all(asked)).flat();
}
