/**
 * What people search for: a first name and the beginning of a last name. No index helps, so the database reads rows in
 * id order until a page is full.
 */
export const SEARCHES: readonly string[] = ['James M'];
