import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { parseLine, readSamples, total, within } from '../src/samples.ts';

const point =
  '{"metric":"read_ms","type":"Point","data":{"time":"2026-11-23T01:55:39.425833007Z","value":10.948832,"tags":{"kind":"search","scenario":"throughput"}}}';
const definition =
  '{"type":"Metric","data":{"name":"read_ms","type":"trend","contains":"time","thresholds":[],"submetrics":null},"metric":"read_ms"}';
const other =
  '{"metric":"http_req_blocked","type":"Point","data":{"time":"2026-11-23T01:55:39Z","value":1,"tags":{}}}';

describe('k6’s JSON output', () => {
  it('gives a sample of ours with its time, value and tags', () => {
    expect(parseLine(point)).toEqual({
      metric: 'read_ms',
      atMs: Date.parse('2026-11-23T01:55:39.425Z'),
      value: 10.948832,
      tags: { kind: 'search', scenario: 'throughput' },
    });
  });

  it('gives nothing for definitions and other metrics', () => {
    expect(parseLine(definition)).toBeNull();
    expect(parseLine(other)).toBeNull();
    expect(parseLine('')).toBeNull();
  });

  it('is read from a compressed file', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'rl-samples-'));
    try {
      const file = join(directory, 'raw.json.gz');
      await writeFile(file, gzipSync(`${[definition, point, other, point].join('\n')}\n`));
      const samples = await readSamples(file);
      expect(samples.read_ms).toHaveLength(2);
      expect(samples.write_ms).toEqual([]);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });

  it('counts within a window, whose end is not part of it', () => {
    const samples = [10, 20, 30].map((atMs) => ({ atMs, value: 2, tags: {} }));
    expect(total(within(samples, { fromMs: 10, toMs: 30 }))).toBe(4);
  });
});
