import { randomBytes } from 'node:crypto';

/** Drawn in bulk: a call for each few bytes costs more than what they are for. */
const BULK_BYTES = 8_192;
let bulk = Buffer.alloc(0);

/** Random bytes fit for keys and IVs. Each is handed out once. */
export function drawRandom(bytes: number): Buffer {
  if (bulk.length < bytes) bulk = randomBytes(BULK_BYTES);
  const drawn = bulk.subarray(0, bytes);
  bulk = bulk.subarray(bytes);
  return drawn;
}
