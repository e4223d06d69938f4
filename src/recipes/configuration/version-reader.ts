/** What versions of a configuration say, by its schema: one, or the last valid one before it. */
import type { KeyValue } from '../../api/key-value.js'
import type { Revision } from '../../api/operations.js'
import type { Store } from '../../api/store.js'
import type { BytesLike } from '../../base/bytes.js'
import { LIMITS } from '../../base/limits.js'
import type { Patience } from '../patience.js'
import { validate, type SchemaResult, type StandardSchema } from './standard-schema.js'
import { isForgotten } from '../failures.js'
import { notPromise } from '../synchronous.js'

/** A version that is valid. */
export interface ValidVersion<Output> {
  readonly value: Output
  readonly revision: Revision
  readonly version: number
}

export class VersionReader<Output> {
  readonly #store: Store
  readonly #key: BytesLike
  readonly #schema: StandardSchema<unknown, Output>
  readonly #parse: (text: string) => unknown

  constructor(store: Store, key: BytesLike, schema: StandardSchema<unknown, Output>, parse: (text: string) => unknown) {
    this.#store = store
    this.#key = key
    this.#schema = schema
    this.#parse = parse
  }

  /** What a stored text says. Rejects only when `patience` is over before an asynchronous schema has answered. */
  read(text: string, patience: Patience): Promise<SchemaResult<Output>> {
    return patience.within(this.#read(text))
  }

  /**
   * The last valid version before `found`, since the key was created; `known` where that is the one. Undefined when there is
   * none among so many, or history does not go back so far.
   */
  async lastBefore(
    found: KeyValue,
    known: ValidVersion<Output> | undefined,
    patience: Patience,
  ): Promise<ValidVersion<Output> | undefined> {
    let later = found
    for (let looked = 1; looked < LIMITS.configurationHistoryMax && later.version > 1; looked++) {
      const version = await this.#versionAt(later.modRevision - 1, patience)
      if (version === undefined) return undefined
      if (version.modRevision === known?.revision) return known
      const result = await this.read(version.text(), patience)
      if (result.issues === undefined) {
        return { value: result.value, revision: version.modRevision, version: version.version }
      }
      later = version
    }
    return undefined
  }

  async #read(text: string): Promise<SchemaResult<Output>> {
    let parsed: unknown
    try {
      parsed = notPromise(this.#parse(text), 'parse')
    } catch (error) {
      return { issues: [{ message: `it cannot be parsed: ${(error as Partial<Error> | undefined)?.message ?? ''}` }] }
    }
    return validate(this.#schema, parsed)
  }

  async #versionAt(revision: Revision, patience: Patience): Promise<KeyValue | undefined> {
    try {
      const { items } = await patience.insist((signal) => this.#store.range(this.#key, { revision, signal }))
      return items[0]
    } catch (error) {
      if (isForgotten(error)) return undefined
      throw error
    }
  }
}
