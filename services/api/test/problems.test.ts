import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  fieldErrors,
  PROBLEMS,
  Problem,
  type ProblemCode,
  problemBody,
  problemSchema,
} from '../src/problems.ts';

const codes = Object.keys(PROBLEMS) as ProblemCode[];

describe('the table of problems', () => {
  test.each(codes)('%s makes a body that the schema knows', (code) => {
    const body = problemBody(new Problem(code, { detail: 'this time' }), 'request-1');
    expect(problemSchema.parse(body)).toEqual(body);
    expect(body).toMatchObject({ code, status: PROBLEMS[code].status, requestId: 'request-1' });
  });

  test.each(codes)('%s: its status fits its name', (code) => {
    const { status } = PROBLEMS[code];
    expect(status).toBeGreaterThanOrEqual(400);
    if (code.startsWith('invalid-')) expect(status).toBe(400);
    if (code.endsWith('not-found')) expect(status).toBe(404);
  });

  test('a write of unknown outcome does not ask to be repeated', () => {
    expect(PROBLEMS['outcome-unknown']).not.toHaveProperty('retryAfterS');
  });
});

test('the errors of a hostile body are few, short and do not quote it', () => {
  const schema = z.strictObject({ name: z.string() });
  const hostile = Object.fromEntries(
    Array.from({ length: 500 }, (_, i) => [`secret-${i}`.padEnd(300, 'x'), 1]),
  );
  const result = schema.safeParse(hostile);
  const errors = fieldErrors(result.error as z.ZodError);
  expect(errors.length).toBeLessThanOrEqual(10);
  expect(JSON.stringify(errors)).not.toContain('secret');
});
