/**
 * What people search for: a short first name and the beginning of a last name. Five in 64 last names begin so, and one
 * user in 819 matches. No index helps, so the database reads about 17,000 rows in id order until a page is full, which
 * costs each of the engines about the same.
 *
 * Short, because PostgreSQL guesses from the pattern's length how many rows match: from six characters on it expects
 * fewer than a page, and reads and sorts the whole table instead, at three times the cost.
 */
export const SEARCHES: readonly string[] = ['Ada', 'Ken', 'Mei'].flatMap((first) => [
  `${first} M`,
  `${first} S`,
]);
