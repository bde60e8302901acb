import { Option } from 'commander';
import { bringUp } from '../bring-up.ts';
import type { UpRequest } from '../runtime.ts';
import { durabilityText } from '../status/durability.ts';
import { defineVerb, exitCode } from '../verb.ts';
import { durabilityOption, engineOption, runtimeOption, topologyOption } from './options.ts';

interface UpOptions extends Pick<UpRequest, 'engine' | 'runtime' | 'topology' | 'durability'> {
  readonly with?: string[];
}

export const up = defineVerb<UpOptions>({
  name: 'up',
  summary: 'bring the lab up, wait until it is ready, print the URLs',
  details:
    'Harmless when it is up already. With another engine, topology, durability or runtime it changes the running lab to what is\n' +
    'asked; the data of each engine stays. HTTP_PORT, STATS_PORT and HTTPS_PORT in the environment choose other ports than 8080, 8404, 8443.',
  options: [
    engineOption(),
    topologyOption(),
    durabilityOption(),
    runtimeOption(),
    new Option(
      '--with <part...>',
      'optional parts: monitoring; backups (native); docker: other profiles of docker-compose.yml, too',
    ),
  ],
  printsData: true,
  mayAsk: true,
  async run(context) {
    const { engine, runtime, topology, durability, with: parts } = context.options;
    const lab = await bringUp({ engine, runtime, topology, durability, with: parts }, context);
    const { out } = context;
    if (context.json) {
      const { underTest: _, ...data } = lab;
      out.json(data);
      return exitCode.done;
    }
    out.line(
      `${lab.alreadyUp ? 'Already up' : 'Up'}: ${lab.engine}, ${lab.topology}, ${lab.durability}, ${lab.runtime}`,
    );
    for (const [name, url] of Object.entries(lab.urls)) out.line(`  ${name.padEnd(13)}${url}`);
    out.line(durabilityText(lab));
    out.line('Next: ./lab status, ./lab compare --quick, ./lab fault kill db-1 --for 20s');
    return exitCode.done;
  },
});
