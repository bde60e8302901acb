import { Problem } from '../problems.ts';

const MAX_TAGS = 16;
const TAG = /^(W\/)?"([\x21\x23-\x7e]{0,64})"$/;

/** The validator of a row, as `ETag` says it and `If-Match` repeats it. */
export const etagOf = (user: { readonly version: number }): string => `"${user.version}"`;

/**
 * The versions that `If-Match` allows; null where any will do (no header, or `*`). Weak tags and tags that are no
 * version are well-formed and match nothing, as RFC 9110 has it.
 * @throws Problem `invalid-if-match`
 */
export function parseIfMatch(header: string | undefined): readonly number[] | null {
  if (header === undefined || header.trim() === '*') return null;
  const tags = header.split(',').map((tag) => TAG.exec(tag.trim()));
  if (tags.length > MAX_TAGS) throw new Problem('invalid-if-match', { detail: 'it has too many tags' });
  return tags.flatMap((tag) => {
    if (tag === null)
      throw new Problem('invalid-if-match', { detail: 'write it as "VERSION", with the quotes' });
    const [, weak, text = ''] = tag;
    return weak === undefined && /^[1-9]\d{0,8}$/.test(text) ? [Number(text)] : [];
  });
}
