import { engineOf } from '../engines.ts';
import { ENGINE_NAMES, type EngineName } from '../types.ts';
import { useServerFromImage } from './server-from-image.ts';

export interface AvailableEngines {
  readonly engines: readonly EngineName[];
  readonly notRun: readonly { readonly engine: EngineName; readonly reason: string }[];
}

/**
 * The engines whose real server can run here. A server that is not installed is taken from its Docker image, if that is
 * on this machine. What cannot run is said aloud: a suite that is silently smaller than it looks proves nothing.
 * `LAB_TEST_ENGINES=mysql,postgres` chooses some; `LAB_TEST_SERVERS=images` prefers the images' servers.
 */
export async function availableEngines(): Promise<AvailableEngines> {
  const wanted = process.env.LAB_TEST_ENGINES?.split(',') ?? ENGINE_NAMES;
  const engines: EngineName[] = [];
  const notRun: { engine: EngineName; reason: string }[] = [];
  for (const engine of ENGINE_NAMES) {
    const reason = wanted.includes(engine) ? await whyNot(engine) : 'LAB_TEST_ENGINES leaves it out';
    if (reason === null) engines.push(engine);
    else notRun.push({ engine, reason });
  }
  for (const { engine, reason } of notRun) console.warn(`NOT RUN: ${engine}: ${reason}`);
  return { engines, notRun };
}

async function whyNot(engine: EngineName): Promise<string | null> {
  const { server } = engineOf(engine);
  const fromImage = process.env.LAB_TEST_SERVERS === 'images';
  if (!fromImage && (await server.find())) return null;
  const reason = await useServerFromImage(engine).catch(
    (error) => `its Docker image cannot be unpacked: ${error}`,
  );
  if (reason === null && (await server.find())) return null;
  return `${reason ?? 'the server of its Docker image does not run here'}. ${server.explainMissing}`;
}
