/**
 * What answers tell of changes that others made: a version that was read was written at its `mod` revision, and from then
 * until it was read its key did not change. So most calls of unknown outcome cannot be what fills a gap.
 */
import { assertNever } from '../../base/assert.js'
import type { Call } from './call.js'
import type { EtcdInput, EtcdKeyValue, EtcdOperation, EtcdOutput, EtcdPut, EtcdResult } from './etcd-calls.js'

export function etcdHints(
  calls: readonly Call<EtcdInput, EtcdOutput>[],
): (input: EtcdInput, position: number) => boolean {
  const seen = new Seen()
  for (const { input, output } of calls) if (output !== undefined) seen.addOutput(input, output)
  return (input, position) => seen.allows(input, position)
}

class Seen {
  readonly #writtenAt = new Map<number, EtcdKeyValue[]>()
  /** By key: until which revision the version written at one was still there. */
  readonly #until = new Map<string, Map<number, number>>()
  /** The same in order, once somebody asks. */
  readonly #versions = new Map<string, Versions>()

  addOutput(input: EtcdInput, output: EtcdOutput): void {
    switch (output.type) {
      case 'get':
        if (output.found !== undefined) this.#add(output.found, output.found.mod, false)
        return
      case 'range': {
        const keysOnly = input.type === 'range' && input.keysOnly === true
        const revision = input.type === 'range' ? input.revision : undefined
        for (const item of output.items) this.#add(item, revision ?? output.revision, keysOnly)
        return
      }
      case 'put':
      case 'delete':
      case 'txn':
        this.#addResult(output, output.revision)
        return
      case 'grant':
      case 'time-to-live':
      case 'leases':
      case 'done':
        return
      default:
        assertNever(output, 'output of a store')
    }
  }

  allows(input: EtcdInput, position: number): boolean {
    const written = this.#writtenAt.get(position)
    switch (input.type) {
      case 'put':
        return this.#mayChange(input.key, position) && (written?.every((each) => writes(input, each)) ?? true)
      case 'delete':
        return written === undefined && (input.end !== undefined || this.#mayChange(input.key, position))
      case 'txn': {
        const puts = [...putsOf(input)]
        return written?.every((each) => puts.some((put) => writes(put, each))) ?? true
      }
      case 'revoke':
      case 'expire':
        return written === undefined
      case 'range':
      case 'get':
      case 'compact':
      case 'grant':
      case 'keep-alive':
      case 'time-to-live':
      case 'leases':
        return true
      default:
        return assertNever(input, 'input of a store')
    }
  }

  #addResult(result: EtcdResult, revision: number): void {
    switch (result.type) {
      case 'put':
        if (result.previous !== undefined) this.#add(result.previous, revision - 1, false)
        return
      case 'delete':
        for (const each of result.previous) this.#add(each, revision - 1, false)
        return
      case 'range':
        // What a transaction read may have been asked without values, or of the past: its keys' numbers say enough.
        for (const each of result.items) this.#add(each, each.mod, true)
        return
      case 'txn':
        for (const each of result.results) this.#addResult(each, revision)
        return
      default:
        assertNever(result, 'result')
    }
  }

  #add(keyValue: EtcdKeyValue, until: number, valueUnknown: boolean): void {
    const { key, mod } = keyValue
    const versions = this.#until.get(key) ?? new Map<number, number>()
    this.#until.set(key, versions)
    const known = versions.get(mod)
    if (known === undefined || known < until) versions.set(mod, until)
    if (known !== undefined || valueUnknown) return
    const written = this.#writtenAt.get(mod)
    if (written === undefined) this.#writtenAt.set(mod, [keyValue])
    else written.push(keyValue)
  }

  #mayChange(key: string, position: number): boolean {
    const { mods, until } = this.#sorted(key)
    let low = 0
    let high = mods.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((mods[middle] ?? 0) < position) low = middle + 1
      else high = middle
    }
    return low === 0 || (until[low - 1] ?? 0) < position
  }

  #sorted(key: string): Versions {
    const known = this.#versions.get(key)
    if (known !== undefined) return known
    const pairs = [...(this.#until.get(key) ?? new Map<number, number>())].sort(([left], [right]) => left - right)
    const versions = { mods: pairs.map(([mod]) => mod), until: pairs.map(([, until]) => until) }
    this.#versions.set(key, versions)
    return versions
  }
}

/** Of one key, in the order of `mods`. */
interface Versions {
  readonly mods: readonly number[]
  readonly until: readonly number[]
}

function writes(put: EtcdPut, { key, value }: EtcdKeyValue): boolean {
  return put.key === key && (put.ignoreValue === true || put.value === value)
}

export function* putsOf(operation: EtcdOperation): Iterable<EtcdPut> {
  if (operation.type === 'put') yield operation
  if (operation.type !== 'txn') return
  for (const each of operation.success) yield* putsOf(each)
  for (const each of operation.failure) yield* putsOf(each)
}
