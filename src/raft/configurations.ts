/**
 * The configurations of the log in memory: the one that the state machine knew when it was opened, or the one at the
 * compacted position, and each that an entry behind it brought.
 * The last one is in force, committed or not (thesis 4.1): from the moment its entry is appended, and no longer when that
 * entry is truncated.
 *
 *     compacted      entry 12           entry 40
 *         |  voters 1 2 3  |  voters 1 2 3 4  |  voters 1 2 4      <- in force
 *
 * Always: indexes grow. Nothing is asked of below the first, which is not above what is applied.
 * Always: each follows the one before it safely: their quorums intersect. Except behind one without voters, which is what
 * a member that joins believes before it has heard anything.
 */
import { assert, AssertionError, present } from '../base/assert.js'
import { isStoreError } from '../base/errors.js'
import { decodeConfiguration, type ConfigurationContent } from './confchange/codec.js'
import { describeConfiguration, followsSafely, type CompleteConfiguration } from './configuration.js'
import type { Entry, Index } from './types.js'

export interface ConfigurationAt {
  /** The entry that brought it, or the position that it was told for. */
  readonly index: Index
  readonly configuration: CompleteConfiguration
  /** What that entry carries for its owner; undefined where this was told and no entry read. */
  readonly data: Uint8Array | undefined
}

export class Configurations {
  #known: ConfigurationAt[]

  /** What is in force at `first.index`, and the log: its entries up to there are not looked at, their effect is known. */
  constructor(first: Omit<ConfigurationAt, 'data'>, entries: readonly Entry[]) {
    this.#known = [{ ...first, data: undefined }]
    for (const entry of entries) if (entry.kind === 'configuration' && entry.index > first.index) this.append(entry)
  }

  /** From the oldest to the one in force. */
  get all(): readonly ConfigurationAt[] {
    return this.#known
  }

  /** What is in force. */
  get current(): ConfigurationAt {
    return present(this.#known[this.#known.length - 1], 'the configuration in force')
  }

  /** What was, is or will be in force when the log up to `index` is all there is; not asked below the compacted position. */
  at(index: Index): CompleteConfiguration {
    for (let at = this.#known.length - 1; at >= 0; at--) {
      const known = this.#known[at]
      if (known !== undefined && known.index <= index) return known.configuration
    }
    throw new AssertionError(`the configuration at ${index} is compacted`)
  }

  /** What was in force at `index` and came into force behind it. */
  since(index: Index): CompleteConfiguration[] {
    const later = this.#known.filter((known) => known.index > index)
    return [this.at(index), ...later.map(({ configuration }) => configuration)]
  }

  /** How many entries behind `index` bring a configuration. */
  countAfter(index: Index): number {
    let count = 0
    for (const known of this.#known) if (known.index > index) count++
    return count
  }

  append(entry: Entry): void {
    const before = this.current
    const { configuration, data } = decode(entry)
    assert(
      before.configuration.voters.length === 0 || followsSafely(before.configuration, configuration),
      () =>
        `configuration of entry ${entry.index}@${entry.term} (${describeConfiguration(configuration)}) does not follow ` +
        `that of ${before.index} (${describeConfiguration(before.configuration)}): their quorums may miss each other`,
    )
    this.#known.push({ index: entry.index, configuration, data })
  }

  /** The entries from `from` on are gone; returns whether that takes any configuration back. */
  truncate(from: Index): boolean {
    const before = this.#known.length
    while (this.#known.length > 1 && this.current.index >= from) this.#known.pop()
    return this.#known.length < before
  }

  compact(index: Index): void {
    while ((this.#known[1]?.index ?? Infinity) <= index) this.#known.shift()
  }

  /** The log begins anew behind `index`, where a snapshot says that this was in force (openraft issue 1808). */
  reset(index: Index, configuration: CompleteConfiguration): void {
    this.#known = [{ index, configuration, data: undefined }]
  }

  /** Of one that began without voters, and has not met any since: it is told what it is that it began with. */
  learn(configuration: CompleteConfiguration): void {
    const { index, configuration: before } = this.current
    assert(
      this.#known.length === 1 && before.voters.length === 0,
      () => `a configuration is told where that of ${index} is known (${describeConfiguration(before)})`,
    )
    this.reset(index, configuration)
  }
}

/** It was made by a leader, and checked on the wire and on the disk: what cannot be read now was written wrongly. */
function decode(entry: Entry): ConfigurationContent {
  try {
    return decodeConfiguration(entry.data)
  } catch (error) {
    if (!isStoreError(error, 'MALFORMED')) throw error
    throw new AssertionError(`entry ${entry.index}@${entry.term}: ${error.message}`)
  }
}
