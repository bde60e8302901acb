import { describe, expect, it } from 'vitest';
import { conditionOf, parseContainers, serviceOf } from '../src/docker/containers.ts';

const one = { ID: 'a1', Service: 'mysql-1', State: 'running', Health: 'healthy', Publishers: null };
const two = { ID: 'b2', Service: 'mysql-2', State: 'paused' };

describe('docker compose ps', () => {
  it('is read in both of its forms', () => {
    const lines = [one, two].map((item) => JSON.stringify(item)).join('\n');
    const parsed = parseContainers(`${lines}\n`);
    expect(parsed).toEqual(parseContainers(JSON.stringify([one, two])));
    expect(parsed[1]).toMatchObject({ Health: '', Publishers: [] });
    expect(parseContainers('\n')).toEqual([]);
  });

  it('tells running, frozen and gone apart', () => {
    const containers = parseContainers(
      JSON.stringify([one, two, { ...two, Service: 'mysql-3', State: 'exited' }]),
    );
    expect(['mysql-1', 'mysql-2', 'mysql-3', 'api-1'].map((name) => conditionOf(containers, name))).toEqual([
      ...['running', 'frozen', 'down', 'down'],
    ]);
  });

  it('breaks the database of a node, not its host', () => {
    expect(serviceOf('postgres', 'db-3')).toBe('postgres-3');
    expect(serviceOf('postgres', 'api-1')).toBe('api-1');
  });
});
