import { writeFile } from 'node:fs/promises';
import { Session } from 'node:inspector/promises';
import { describeProfile } from './profile-text.ts';

const SAMPLE_EVERY_US = 200;

/** V8's CPU profiler, from one order to another, so that start-up and other workloads stay out of the picture. */
export class Profiler {
  #session: Session | null = null;

  async start(): Promise<void> {
    this.#session = new Session();
    this.#session.connect();
    await this.#session.post('Profiler.enable');
    await this.#session.post('Profiler.setSamplingInterval', { interval: SAMPLE_EVERY_US });
    await this.#session.post('Profiler.start');
  }

  /** Writes `file`, which browsers and editors open, and says on stderr where the time went. */
  async stop(file: string): Promise<void> {
    if (!this.#session) return;
    const { profile } = await this.#session.post('Profiler.stop');
    this.#session.disconnect();
    this.#session = null;
    await writeFile(file, JSON.stringify(profile));
    console.error(describeProfile(profile));
  }
}
