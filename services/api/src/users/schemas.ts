import { z } from 'zod';

export const MAX_NAME_CHARS = 200;
export const MAX_EMAIL_CHARS = 254;
export const MAX_SEARCH_CHARS = 100;
export const MAX_PAGE = 100;
export const DEFAULT_PAGE = 20;

const charsOf = (text: string): number => [...text].length;

/**
 * Text that every engine stores and returns unchanged: no lone surrogate (not UTF-8), no control character
 * (PostgreSQL refuses NUL). Its length is counted in characters, as the engines' columns count it.
 */
const cleanText = (maxChars: number) =>
  z
    .string()
    .trim()
    .refine((text) => text.isWellFormed(), 'must be valid Unicode')
    .refine((text) => !/\p{Cc}/u.test(text), 'must not contain control characters')
    .refine((text) => text.length > 0, 'must not be empty')
    .refine((text) => charsOf(text) <= maxChars, `must have at most ${maxChars} characters`)
    .meta({ minLength: 1, maxLength: maxChars });

const name = cleanText(MAX_NAME_CHARS).meta({ example: 'Ada Lovelace' });
/** Kept in lower case, so that one address is one user on every engine, whatever its collation. */
const email = z
  .email('must be an e-mail address')
  .max(MAX_EMAIL_CHARS, `must have at most ${MAX_EMAIL_CHARS} characters`)
  .toLowerCase()
  .meta({ example: 'ada@example.test' });

export const newUserSchema = z.strictObject({ name, email }).meta({ id: 'NewUser' });
export type NewUser = z.infer<typeof newUserSchema>;

export const userPatchSchema = z
  .strictObject({ name: name.optional(), email: email.optional() })
  .refine((patch) => patch.name !== undefined || patch.email !== undefined, 'must change something')
  .meta({ id: 'UserPatch', minProperties: 1 });
export type UserPatch = z.infer<typeof userPatchSchema>;

export const userSchema = z
  .strictObject({
    id: z.number().int().positive(),
    name: z.string().min(1),
    email: z.string().min(3).max(MAX_EMAIL_CHARS),
    version: z.number().int().min(1).meta({ description: 'Starts at 1 and grows by one with every change' }),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: 'User' });
export type User = z.infer<typeof userSchema>;

export const userPageSchema = z
  .strictObject({
    items: z.array(userSchema).max(MAX_PAGE),
    nextAfter: z
      .number()
      .int()
      .nullable()
      .meta({ description: 'Pass it as `after` for the next page; null on the last one' }),
  })
  .meta({ id: 'UserPage' });
export type UserPage = z.infer<typeof userPageSchema>;

/** Digits only: `Number` would also take `1e3`, `0x10` and blanks. */
const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^(0|[1-9]\d{0,15})$/, 'must be a whole number in plain digits')
    .transform(Number)
    .refine((n) => n >= min && n <= max, `must be from ${min} to ${max}`);

export const userIdSchema = wholeNumber(1, Number.MAX_SAFE_INTEGER).meta({
  type: 'integer',
  minimum: 1,
  maximum: Number.MAX_SAFE_INTEGER,
});

export const listQuerySchema = z.strictObject({
  limit: wholeNumber(1, MAX_PAGE)
    .default(DEFAULT_PAGE)
    .meta({ type: 'integer', minimum: 1, maximum: MAX_PAGE, default: DEFAULT_PAGE }),
  after: wholeNumber(0, Number.MAX_SAFE_INTEGER)
    .default(0)
    .meta({ type: 'integer', minimum: 0, default: 0, description: 'Only users with a greater id' }),
  q: cleanText(MAX_SEARCH_CHARS)
    .optional()
    .meta({ description: 'Only users whose name contains this text, in any case' }),
});
export type ListQuery = z.infer<typeof listQuerySchema>;
