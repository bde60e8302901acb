import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { type EngineName, type PositionOps, Recent } from '@replication-lab/engines';
import { drawRandom } from './random.ts';
import type { SessionState } from './session.ts';
import { RouterError } from './types.ts';

/**
 * Longest sealed text, in characters. Anything longer is refused before it costs a cipher. With its name it has to fit
 * into a browser's cookie (4,096).
 */
export const MAX_TOKEN_LENGTH = 3_900;
export const MIN_KEY_LENGTH = 32;

const VERSION = 2;
const KEY_ID_BYTES = 4;
const SALT_BYTES = 16;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 1 + KEY_ID_BYTES;
const OVERHEAD_BYTES = HEADER_BYTES + SALT_BYTES + IV_BYTES + TAG_BYTES;
const NODE_NAME = /^[\w.-]{1,64}$/;
/** Empty in the token of those who have seen nothing, which all of them share: each gets an id when it is opened. */
const SESSION_ID = /^(?:[\w-]{8})?$/;

/** Tokens that are remembered open. A client comes back with the token it was given, most likely to this very process. */
const REMEMBERED_TOKENS = 4_096;
/** Salts whose keys are remembered: a few for each process that seals. */
const REMEMBERED_SALTS = 256;
/** A salt of our own is used for so many tokens. AES-GCM with random IVs may seal 2^32 messages with one key. */
const TOKENS_PER_SALT = 2 ** 20;

interface TokenKey {
  readonly id: Buffer;
  /** What each token sealed with it begins with. */
  readonly header: Buffer;
  readonly secret: KeyObject;
  /** Keys of tokens, by their salt. */
  readonly salted: Recent<KeyObject>;
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
 * authenticated too. The cipher's key is an HMAC of the salt, and each process changes its salt long before AES-GCM's limit
 * of 2^32 messages with one key, which a busy service would otherwise reach within days.
 *
 * What was sealed or opened lately is remembered, so that a token which comes back costs a look into a table.
 */
export class TokenSealer {
  readonly #keys: readonly TokenKey[];
  readonly #engine: EngineName;
  readonly #positions: PositionOps;
  readonly #open = new Recent<OpenedToken>(REMEMBERED_TOKENS);
  #salt = randomBytes(SALT_BYTES);
  #sealedWithSalt = 0;

  /** `keys`: newest first; the first one seals, all of them open. Throws RangeError on a short key. */
  constructor(keys: readonly string[], engine: EngineName, positions: PositionOps) {
    if (keys.length === 0) throw new RangeError('tokenKeys: at least one key is needed');
    if (keys.some((key) => key.length < MIN_KEY_LENGTH)) {
      throw new RangeError(`tokenKeys: each key needs at least ${MIN_KEY_LENGTH} characters`);
    }
    this.#keys = keys.map((key) => {
      const id = derive(key, 'key-id', KEY_ID_BYTES);
      return {
        id,
        header: Buffer.concat([Buffer.of(VERSION), id]),
        secret: createSecretKey(derive(key, 'token-key', 32)),
        salted: new Recent(REMEMBERED_SALTS),
      };
    });
    this.#engine = engine;
    this.#positions = positions;
  }

  /**
   * A position too long for a token (a GTID set with thousands of gaps) is left out, and the session pinned to the
   * primary instead: slower, never wrong.
   */
  seal(state: SessionState): string {
    const text = this.#encrypt(state);
    if (text.length > MAX_TOKEN_LENGTH) {
      return this.#encrypt({ ...state, position: this.#positions.empty, unknown: true });
    }
    this.#open.set(text, { state, text, current: true });
    return text;
  }

  /** Throws RouterError `invalid-token`; says no more than needed about why. */
  open(text: string): OpenedToken {
    if (text.length > MAX_TOKEN_LENGTH) throw invalid('it is too long');
    const known = this.#open.get(text);
    if (known) return known;
    const opened = this.#decrypt(text);
    this.#open.set(text, opened);
    return opened;
  }

  #decrypt(text: string): OpenedToken {
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
    const salt = this.#nextSalt();
    const iv = drawRandom(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', tokenKey(key, salt), iv);
    cipher.setAAD(key.header);
    const body = JSON.stringify([
      this.#engine,
      state.id,
      state.epoch,
      state.position,
      state.lastNode,
      state.unknown ? 1 : 0,
    ]);
    const sealed = Buffer.concat([cipher.update(body, 'utf8'), cipher.final()]);
    return Buffer.concat([key.header, salt, iv, sealed, cipher.getAuthTag()]).toString('base64url');
  }

  #nextSalt(): Buffer {
    this.#sealedWithSalt += 1;
    if (this.#sealedWithSalt > TOKENS_PER_SALT) {
      this.#salt = randomBytes(SALT_BYTES);
      this.#sealedWithSalt = 1;
    }
    return this.#salt;
  }

  #parse(body: string): SessionState {
    const fields: unknown = JSON.parse(body);
    if (!Array.isArray(fields) || fields.length !== 6) throw invalid('its content is not known');
    const [engine, id, epoch, text, lastNode, unknown] = fields as unknown[];
    if (engine !== this.#engine) throw invalid('it belongs to another engine');
    const position = typeof text === 'string' ? this.#positions.parse(text) : null;
    const whole =
      typeof id === 'string' &&
      SESSION_ID.test(id) &&
      typeof epoch === 'number' &&
      Number.isSafeInteger(epoch) &&
      epoch >= 0 &&
      position !== null &&
      (lastNode === null || (typeof lastNode === 'string' && NODE_NAME.test(lastNode))) &&
      (unknown === 0 || unknown === 1);
    if (!whole) throw invalid('its content is not known');
    return { id, epoch, position, lastNode: lastNode as string | null, unknown: unknown === 1 };
  }
}

function tokenKey({ secret, salted }: TokenKey, salt: Buffer): KeyObject {
  const name = salt.toString('latin1');
  const known = salted.get(name);
  if (known) return known;
  const made = createSecretKey(createHmac('sha256', secret).update(salt).digest());
  salted.set(name, made);
  return made;
}

function decrypt(key: TokenKey, bytes: Buffer): string {
  const salt = bytes.subarray(HEADER_BYTES, HEADER_BYTES + SALT_BYTES);
  const iv = bytes.subarray(HEADER_BYTES + SALT_BYTES, HEADER_BYTES + SALT_BYTES + IV_BYTES);
  const sealed = bytes.subarray(HEADER_BYTES + SALT_BYTES + IV_BYTES, -TAG_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', tokenKey(key, salt), iv, { authTagLength: TAG_BYTES });
  decipher.setAAD(bytes.subarray(0, HEADER_BYTES));
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(sealed), decipher.final()]).toString('utf8');
  } catch {
    throw invalid('it was not sealed here');
  }
}
