/**
 * What a configuration shows: the latest valid version, one before it, or the fallback; and what is wrong with the latest.
 *
 * Always: it is shown once, whole: whoever is told of a change finds the value and where it comes from.
 */
import type { Revision } from '../../api/operations.js'
import { describeIssues, type SchemaIssue } from './standard-schema.js'
import type { ValidVersion } from './version-reader.js'

/** What is shown, and where it comes from. */
export interface ConfigurationState<Value> {
  readonly value: Value
  /** `stored`: it is the latest version. `last-good`: an earlier one, since the latest is not valid or was deleted. */
  readonly origin: 'stored' | 'last-good' | 'fallback'
  /** At which the value was stored. Of the fallback: undefined. */
  readonly revision: Revision | undefined
  /** How often the key had been written by then, since it was created. Of the fallback: undefined. */
  readonly version: number | undefined
}

/** Why the latest that is stored is not shown. */
export interface InvalidConfiguration {
  /** At which it was stored, or at which it was found to be deleted. */
  readonly revision: Revision
  readonly issues: readonly SchemaIssue[]
  /** The first of the issues in words, with their paths: `url: Invalid URL; poolSize: expected number`. */
  readonly message: string
}

export const DELETED: readonly SchemaIssue[] = [{ message: 'nothing is stored' }]

export class ShownConfiguration<Value> {
  readonly #fallback: Value | undefined
  readonly #changed: () => void
  #state: ConfigurationState<Value> | undefined
  #invalid: InvalidConfiguration | undefined

  /** `changed` is told of each state that is shown. */
  constructor(fallback: Value | undefined, changed: () => void) {
    this.#fallback = fallback
    this.#changed = changed
  }

  /** Undefined: there is nothing that may be shown. */
  get state(): ConfigurationState<Value> | undefined {
    return this.#state
  }

  get invalid(): InvalidConfiguration | undefined {
    return this.#invalid
  }

  /** The version that is shown; undefined where it is none. */
  get version(): ValidVersion<Value> | undefined {
    const { value, revision, version } = this.#state ?? {}
    if (revision === undefined || version === undefined) return undefined
    return { value: value as Value, revision, version }
  }

  /** The latest version is valid. */
  valid(version: ValidVersion<Value>): void {
    this.#invalid = undefined
    this.#show({ ...version, origin: 'stored' })
  }

  /** The latest version, of a key that was created at `createRevision`, is not; `good` is the last one that is. */
  notValid(
    revision: Revision,
    issues: readonly SchemaIssue[],
    good: ValidVersion<Value> | undefined,
    createRevision: Revision,
  ): void {
    const state = this.#state
    this.#invalid = invalidOf(revision, issues)
    if (good !== undefined) this.#show({ ...good, origin: 'last-good' })
    else if (state?.revision !== undefined && state.revision >= createRevision) this.#keep(state)
    else this.#fallBack()
  }

  /** Nothing is stored, as was found at this revision. */
  deleted(revision: Revision): void {
    // Where there is a fallback for it, that is no mistake of anybody.
    this.#invalid = this.#fallback === undefined ? invalidOf(revision, DELETED) : undefined
    this.#fallBack()
  }

  /** Nothing that is stored can be shown. */
  #fallBack(): void {
    const value = this.#fallback
    if (value !== undefined) this.#show({ value, origin: 'fallback', revision: undefined, version: undefined })
    else if (this.#state !== undefined) this.#keep(this.#state)
  }

  #keep(state: ConfigurationState<Value>): void {
    this.#show(state.origin === 'stored' ? { ...state, origin: 'last-good' } : state)
  }

  #show(state: ConfigurationState<Value>): void {
    this.#state = state
    this.#changed()
  }
}

function invalidOf(revision: Revision, issues: readonly SchemaIssue[]): InvalidConfiguration {
  return { revision, issues, message: describeIssues(issues) }
}
