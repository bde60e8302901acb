import express, { type Request, type RequestHandler } from 'express';
import type { z } from 'zod';
import { fieldErrors, Problem } from './problems.ts';

export const MAX_BODY_BYTES = 16 * 1024;

/**
 * Reads a JSON body's bytes into `req.body`. Express's own JSON parser is not used: it replaces invalid UTF-8, and takes
 * other encodings and an empty body for valid.
 */
export const readBody: RequestHandler[] = [
  (req, _res, next) => {
    if (!isJson(req)) throw new Problem('unsupported-media-type');
    next();
  },
  express.raw({ type: () => true, limit: MAX_BODY_BYTES, inflate: false }),
];

function isJson(req: Request): boolean {
  const [type, ...parameters] = (req.get('Content-Type') ?? '').toLowerCase().split(';');
  if (type?.trim() !== 'application/json') return false;
  return parameters.every((parameter) => {
    const [name, value] = parameter.split('=').map((part) => part.trim());
    return name !== 'charset' || /^"?utf-?8"?$/.test(value ?? '');
  });
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * The body as `schema` wants it.
 * @throws Problem `invalid-json` or `invalid-body`
 */
export function parseBody<T extends z.ZodType>(req: Request, schema: T): z.infer<T> {
  const parsed = schema.safeParse(parseJson(req.body));
  if (parsed.success) return parsed.data;
  throw new Problem('invalid-body', { errors: fieldErrors(parsed.error) });
}

function parseJson(bytes: unknown): unknown {
  if (!(bytes instanceof Uint8Array)) throw new Problem('invalid-json', { detail: 'the body is empty' });
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch {
    // The parser's message quotes the body, so it stays here.
    throw new Problem('invalid-json');
  }
}
