import { expect } from 'vitest';
import { readDashboard } from './dashboard.ts';

interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [time: number, value: string];
}

/** The Prometheus of a lab: `url` is `urls.prometheus` of the lab's status. */
export class AskedPrometheus {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  async query(expression: string): Promise<readonly Series[]> {
    const url = new URL(`/api/v1/query?query=${encodeURIComponent(expression)}`, this.#url);
    const { data } = (await (await fetch(url)).json()) as { data: { result: readonly Series[] } };
    return data.result;
  }

  /** What it asks. */
  async asked(): Promise<string[]> {
    const url = new URL('/api/v1/targets?state=active', this.#url);
    const { data } = (await (await fetch(url)).json()) as {
      data: { activeTargets: { scrapeUrl: string }[] };
    };
    return data.activeTargets.map(({ scrapeUrl }) => scrapeUrl);
  }

  /** Whether it has asked so many parts, and each has answered. */
  async everyPartAnswers(count: number): Promise<boolean> {
    const up = await this.query('up');
    return up.length === count && up.every(({ value }) => value[1] === '1');
  }

  /** Whether there was a number at any time of the last five minutes: a dashboard shows a span of time. */
  async hasAnswered(expression: string): Promise<boolean> {
    const now = Date.now() / 1000;
    const question = { query: expression, start: `${now - 300}`, end: `${now}`, step: '2' };
    const url = new URL(`/api/v1/query_range?${new URLSearchParams(question)}`, this.#url);
    const answer = (await (await fetch(url)).json()) as {
      status: string;
      error?: string;
      data: { result: { values: [number, string][] }[] };
    };
    expect(answer.status, `${expression}: ${answer.error}`).toBe('success');
    return answer.data.result.some(({ values }) => values.some(([, value]) => value !== 'NaN'));
  }

  /** Questions of the dashboard that had no answer in the last five minutes. */
  async unansweredOfDashboard(): Promise<string[]> {
    const { questions } = await readDashboard();
    expect(questions.length).toBeGreaterThan(25);
    const unanswered = [];
    for (const { where, expression } of questions)
      if (!(await this.hasAnswered(expression))) unanswered.push(`${where}: ${expression}`);
    return unanswered;
  }
}
