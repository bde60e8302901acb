export type BootstrapErrorCode =
  | 'too-few-nodes' //      too few nodes answer to know which history is the newest
  | 'histories-differ' //   two nodes of the newest reign each hold writes that the other lacks
  | 'two-primaries' //      two open nodes of the same reign
  | 'not-drained' //        the chosen node did not apply all it had received
  | 'not-caught-up' //      a replica follows and did not catch up in time
  | 'locks-lost' //       somebody else may act on the lab now
  | 'nobody-confirms' //  no replica confirms the commits of the node that is to be opened
  | 'timeout'; //           not done in the time given for all of it

export class BootstrapError extends Error {
  override readonly name = 'BootstrapError';
  readonly code: BootstrapErrorCode;
  constructor(code: BootstrapErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}
