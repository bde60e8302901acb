import { EngineError } from '../types.ts';

/**
 * A driver, loaded when the first connection needs it: whoever uses one engine need not install the drivers of the others.
 * Rejects with an EngineError that says what to install.
 */
export async function loadDriver<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const { code, message } = error as { code?: string; message?: string };
    const isMissing = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
    if (!isMissing || !message?.includes(`'${name}'`)) throw error;
    const advice = `the driver of this engine is not installed: npm install ${name}`;
    throw new EngineError('other', advice, { cause: error });
  }
}
