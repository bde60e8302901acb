import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import type { EngineName, PositionOps } from '@replication-lab/engines';
import type { SessionState } from './session.ts';
import { RouterError } from './types.ts';

/** Longest sealed text, in characters. Anything longer is refused before it costs a cipher. */
export const MAX_TOKEN_LENGTH = 4096;
export const MIN_KEY_LENGTH = 32;

const VERSION = 1;
const KEY_ID_BYTES = 4;
const SALT_BYTES = 16;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 1 + KEY_ID_BYTES;
const OVERHEAD_BYTES = HEADER_BYTES + SALT_BYTES + IV_BYTES + TAG_BYTES;
const NODE_NAME = /^[\w.-]{1,64}$/;

interface TokenKey {
  readonly id: Buffer;
  readonly secret: KeyObject;
}

export interface OpenedToken {
  readonly state: SessionState;
  readonly text: string;
  /** Sealed with the newest key: may be handed back as it is. */
  readonly current: boolean;
}

const derive = (key: string, purpose: string, bytes: number): Buffer =>
  Buffer.from(hkdfSync('sha256', key, 'replication-lab/router', purpose, bytes));

const invalid = (why: string): RouterError =>
  new RouterError('invalid-token', `The consistency token cannot be used: ${why}. Drop it and read again.`);

/**
 * Seals and opens tokens. Sealed, not only signed: positions and node names are nobody's business.
 *
 * Layout, base64url: version (1) | key id (4) | salt (16) | IV (12) | ciphertext | tag (16), version and key id
 * authenticated too. Each token has a key of its own (HMAC of the salt), because AES-GCM with random IVs may seal only
 * 2^32 messages with one key and a busy service reaches that within days.
 */
export class TokenSealer {
  readonly #keys: readonly TokenKey[];
  readonly #engine: EngineName;
  readonly #positions: PositionOps;

  /** `keys`: newest first; the first one seals, all of them open. Throws RangeError on a short key. */
  constructor(keys: readonly string[], engine: EngineName, positions: PositionOps) {
    if (keys.length === 0) throw new RangeError('tokenKeys: at least one key is needed');
    if (keys.some((key) => key.length < MIN_KEY_LENGTH)) {
      throw new RangeError(`tokenKeys: each key needs at least ${MIN_KEY_LENGTH} characters`);
    }
    this.#keys = keys.map((key) => ({
      id: derive(key, 'key-id', KEY_ID_BYTES),
      secret: createSecretKey(derive(key, 'token-key', 32)),
    }));
    this.#engine = engine;
    this.#positions = positions;
  }

  /**
   * A position too long for a token (a GTID set with thousands of gaps) is left out, and the session pinned to the
   * primary instead: slower, never wrong.
   */
  seal(state: SessionState): string {
    const text = this.#encrypt(state);
    if (text.length <= MAX_TOKEN_LENGTH) return text;
    return this.#encrypt({ ...state, position: this.#positions.empty, unknown: true });
  }

  /** Throws RouterError `invalid-token`; says no more than needed about why. */
  open(text: string): OpenedToken {
    if (text.length > MAX_TOKEN_LENGTH) throw invalid('it is too long');
    const bytes = Buffer.from(text, 'base64url');
    // Node's decoder skips foreign characters; only the one canonical spelling is accepted.
    if (bytes.length <= OVERHEAD_BYTES || bytes.toString('base64url') !== text)
      throw invalid('it is garbled');
    if (bytes[0] !== VERSION) throw invalid('its version is not known');
    const keyId = bytes.subarray(1, HEADER_BYTES);
    const key = this.#keys.find(({ id }) => id.equals(keyId));
    if (!key) throw invalid('it was not sealed here');
    const state = this.#parse(decrypt(key, bytes));
    return { state, text, current: key === this.#keys[0] };
  }

  #encrypt(state: SessionState): string {
    const key = this.#keys[0]!;
    const header = Buffer.concat([Buffer.of(VERSION), key.id]);
    const random = randomBytes(SALT_BYTES + IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', tokenKey(key, random), random.subarray(SALT_BYTES));
    cipher.setAAD(header);
    const body = JSON.stringify([
      this.#engine,
      state.epoch,
      state.position,
      state.lastNode,
      state.unknown ? 1 : 0,
    ]);
    const sealed = Buffer.concat([cipher.update(body, 'utf8'), cipher.final()]);
    return Buffer.concat([header, random, sealed, cipher.getAuthTag()]).toString('base64url');
  }

  #parse(body: string): SessionState {
    const fields: unknown = JSON.parse(body);
    if (!Array.isArray(fields) || fields.length !== 5) throw invalid('its content is not known');
    const [engine, epoch, text, lastNode, unknown] = fields as unknown[];
    if (engine !== this.#engine) throw invalid('it belongs to another engine');
    const position = typeof text === 'string' ? this.#positions.parse(text) : null;
    const whole =
      typeof epoch === 'number' &&
      Number.isSafeInteger(epoch) &&
      epoch >= 0 &&
      position !== null &&
      (lastNode === null || (typeof lastNode === 'string' && NODE_NAME.test(lastNode))) &&
      (unknown === 0 || unknown === 1);
    if (!whole) throw invalid('its content is not known');
    return { epoch, position, lastNode: lastNode as string | null, unknown: unknown === 1 };
  }
}

function tokenKey(key: TokenKey, random: Buffer): Buffer {
  return createHmac('sha256', key.secret).update(random.subarray(0, SALT_BYTES)).digest();
}

function decrypt(key: TokenKey, bytes: Buffer): string {
  const random = bytes.subarray(HEADER_BYTES, HEADER_BYTES + SALT_BYTES + IV_BYTES);
  const sealed = bytes.subarray(HEADER_BYTES + random.length, -TAG_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', tokenKey(key, random), random.subarray(SALT_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(bytes.subarray(0, HEADER_BYTES));
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(sealed), decipher.final()]).toString('utf8');
  } catch {
    throw invalid('it was not sealed here');
  }
}
