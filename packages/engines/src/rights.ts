/** The accounts that have their rights from the lab; the administrator has his from the server. */
export const ACCOUNT_NAMES = [
  'supervisor',
  'app',
  'appReadOnly',
  'monitor',
  'backup',
  'replication',
] as const;
export type AccountName = (typeof ACCOUNT_NAMES)[number];

/** What an account may do, and what for. */
export interface Right {
  /** As in `GRANT … TO account`; on postgres an attribute of the role is written in capitals and alone. */
  readonly grants: readonly string[];
  readonly why: string;
}

/** All that each account may do on one engine: what is not here it may not. */
export type Rights = Readonly<Record<AccountName, readonly Right[]>>;

export const grantsOf = (rights: readonly Right[]): string[] => rights.flatMap(({ grants }) => grants);
