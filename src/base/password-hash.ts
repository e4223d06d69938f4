/**
 * What is kept of a password: its scrypt hash, together with the parameters and the salt it was made with.
 *
 *     $scrypt$ln=15,r=8,p=3$<salt>$<key>        base64 without padding; ln is the binary logarithm of scrypt's N
 *
 * The password itself never gets here: whoever proposes a command hashes it first (runtime/password.ts).
 *
 * Always: the text comes out by `reveal()` only. Not by `String()`, JSON, inspection or spreading: with the hash at hand
 * a weak password is found by trying, so it belongs neither into a log nor into an error.
 */
import { StoreError } from './errors.js'
import { LIMITS } from './limits.js'

export interface ScryptParameters {
  /** Binary logarithm of the number of rounds: N = 2^costLog2. */
  readonly costLog2: number
  readonly blockSize: number
  readonly parallelization: number
}

const TEXT = /^\$scrypt\$ln=([1-9]\d?),r=([1-9]\d?),p=([1-9]\d?)\$([A-Za-z0-9+/]{22,86})\$([A-Za-z0-9+/]{43,86})$/
/** Below, guessing is too cheap; tests use it. */
const COST_LOG2_MIN = 10
const HIDDEN = '[password hash]'

export class PasswordHash {
  readonly #text: string
  readonly parameters: ScryptParameters
  readonly #salt: string
  readonly #key: string

  private constructor(text: string, parameters: ScryptParameters, salt: string, key: string) {
    this.#text = text
    this.parameters = parameters
    this.#salt = salt
    this.#key = key
  }

  /** Throws `MALFORMED`, without the text. */
  static parse(text: string): PasswordHash {
    const found = TEXT.exec(text)
    if (found === null) throw malformed('it is not of the form $scrypt$ln=..,r=..,p=..$salt$key')
    const [, costLog2, blockSize, parallelization, salt = '', key = ''] = found
    const parameters = {
      costLog2: Number(costLog2),
      blockSize: Number(blockSize),
      parallelization: Number(parallelization),
    }
    checkParameters(parameters)
    return new PasswordHash(text, parameters, salt, key)
  }

  /** Throws `MALFORMED` for parameters out of bounds. */
  static of(parameters: ScryptParameters, salt: Uint8Array, key: Uint8Array): PasswordHash {
    const { costLog2, blockSize, parallelization } = parameters
    return PasswordHash.parse(
      `$scrypt$ln=${costLog2},r=${blockSize},p=${parallelization}$${base64(salt)}$${base64(key)}`,
    )
  }

  get salt(): Uint8Array {
    return Buffer.from(this.#salt, 'base64')
  }

  get key(): Uint8Array {
    return Buffer.from(this.#key, 'base64')
  }

  /** The text, for the records of the state and for comparing. */
  reveal(): string {
    return this.#text
  }

  toString(): string {
    return HIDDEN
  }

  toJSON(): string {
    return HIDDEN
  }

  /** What `console.log` and `util.inspect` show. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return HIDDEN
  }
}

/** What checking a password with these parameters takes, about. */
export function scryptMemoryBytes({ costLog2, blockSize, parallelization }: ScryptParameters): number {
  return 128 * blockSize * (2 ** costLog2 + parallelization + 2)
}

/** Whoever checks a password does as much work as the hash says: a hash from elsewhere must not say too much. */
function checkParameters(parameters: ScryptParameters): void {
  if (parameters.costLog2 < COST_LOG2_MIN) {
    throw malformed(`its ln is ${parameters.costLog2}, below ${COST_LOG2_MIN}`)
  }
  const bytes = scryptMemoryBytes(parameters)
  if (bytes > LIMITS.passwordHashMemoryBytesMax) {
    throw malformed(`it takes ${bytes} bytes to check; at most ${LIMITS.passwordHashMemoryBytesMax} are allowed`)
  }
}

function malformed(why: string): StoreError {
  return new StoreError('MALFORMED', `The password hash cannot be used: ${why}.`)
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '')
}
