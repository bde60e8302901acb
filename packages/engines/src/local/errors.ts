/** What can go wrong with a server that runs as a plain process. Each message says what happened and what mends it. */
export type LocalErrorCode =
  | 'server-missing' //       the engine's server is not on this machine
  | 'port-in-use' //          somebody else listens where this node should
  | 'address-unavailable' //  this machine does not have the node's address
  | 'socket-path-too-long' // the state directory's path is too long for a Unix socket
  | 'state-unusable' //       the state directory holds something that is not ours, or cannot be entered
  | 'disk-full'
  | 'initialise-failed' //    the engine's own tool failed
  | 'copy-failed'
  | 'start-failed' //         the process ended before it answered
  | 'start-timeout' //        the process lives and does not answer
  | 'stop-failed' //          the process survived even SIGKILL
  | 'already-running' //      the operation needs a stopped server
  | 'busy'; //                another process works on the node

export class LocalError extends Error {
  override readonly name = 'LocalError';
  readonly code: LocalErrorCode;
  constructor(code: LocalErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}
