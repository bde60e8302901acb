/** First names of seeded users; none is the end of another one, so that a search finds that name alone. */
const FIRST_NAMES = ['Ada', 'Amina', 'Barbara', 'Carlos', 'Daniel', 'Edith', 'Fatima', 'George'].concat([
  'Ines',
  'Julia',
  'Kamal',
  'Linus',
  'Miguel',
  'Nadia',
  'Omar',
  'Sofia',
]);

/** The last names of five in 64 seeded users begin with each of these. */
const INITIALS = ['M', 'S'];

/**
 * What people search for: a first name and the beginning of a last name, which one user in 819 has. No index helps, so
 * the database reads about 17,000 rows in id order until a page is full: 5 to 10 ms of CPU on each of the engines.
 */
export const SEARCHES: readonly string[] = FIRST_NAMES.flatMap((first) =>
  INITIALS.map((initial) => `${first} ${initial}`),
);
