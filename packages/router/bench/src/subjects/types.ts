import type { Setup } from '../protocol.ts';
import type { UserRow } from '../statements.ts';

/** What is measured: one way to send a read and a write to the databases. */
export interface Subject {
  /** One line for the notes below the table: which calls were measured. */
  readonly how: string;
  /** A client's session, where the subject knows of such a thing; handed back with each call. */
  newSession?(): Session;
  read(id: number, session: Session): Promise<UserRow | undefined>;
  write(version: number, id: number, session: Session): Promise<unknown>;
  close(): Promise<unknown>;
}

/** What a client of the service would hold. */
export interface Session {
  token: string | undefined;
  /** An object of the subject's own. */
  state?: unknown;
}

/** Opens the subject; throws NotRun when it cannot run here. */
export type OpenSubject = (setup: Setup) => Promise<Subject>;

export class NotRun extends Error {
  override readonly name = 'NotRun';
}
