/**
 * Quotas of prefixes: R27 no write grows what is under a prefix beyond its quota, and no put is refused by one that it
 * would not break.
 *
 * A second count of what is there, by the changes of the log: every key, added up anew each time. Expects so few keys that
 * a quota is counted with the entry that sets it.
 */
import type { Key } from '../../base/bytes.js'
import type { CommandBody } from '../../machine/command-codec.js'
import type { MemberEvent } from '../../member/event.js'
import type { Event, PutRequest } from '../../mvcc/types.js'
import type { MemberView } from './member-view.js'
import { fail } from './violation.js'

interface Limits {
  readonly keysMax: number
  readonly bytesMax: number
}

interface Usage {
  readonly keys: number
  readonly bytes: number
}

export class PrefixQuotaChecker {
  readonly #quotas = new Map<Key, Limits>()
  /** Bytes of each key with its value. */
  readonly #bytes = new Map<Key, number>()

  /** By the first member to apply the entry. */
  applied(
    { name }: MemberView,
    { entry, applied }: Extract<MemberEvent, { type: 'applied' }>,
    { request }: CommandBody,
  ): void {
    if (applied?.outcome === undefined) return
    const { outcome, events } = applied
    const where = `at entry ${entry.index} (${name})`
    if (!outcome.ok) {
      if (outcome.code === 'PREFIX_QUOTA_EXCEEDED' && request.type === 'put') this.#checkRefusal(request, where)
      return
    }
    const before = [...this.#quotas.keys()].map((prefix) => [prefix, this.#usageOf(prefix)] as const)
    for (const event of events) this.#count(event)
    for (const [prefix, usage] of before) {
      const broken = this.#broken(prefix, usage, this.#usageOf(prefix))
      if (broken !== undefined) fail('R27', `the ${request.type} ${where} takes '${prefix}' to ${broken}`)
    }
    if (request.type !== 'prefix-quota') return
    const { prefix, limits } = request
    if (limits === undefined) this.#quotas.delete(prefix)
    else this.#quotas.set(prefix, { keysMax: limits.keysMax ?? Infinity, bytesMax: limits.bytesMax ?? Infinity })
  }

  #checkRefusal({ key, value, ignoreValue }: PutRequest, where: string): void {
    const had = this.#bytes.get(key)
    const has = ignoreValue === true ? (had ?? 0) : key.length + value.byteLength
    const added = { keys: had === undefined ? 1 : 0, bytes: has - (had ?? 0) }
    for (const prefix of this.#quotas.keys()) {
      if (!key.startsWith(prefix)) continue
      const usage = this.#usageOf(prefix)
      const after = { keys: usage.keys + added.keys, bytes: usage.bytes + added.bytes }
      if (this.#broken(prefix, usage, after) !== undefined) return
    }
    fail('R27', `the put of '${key}' ${where} is refused by a quota that it does not break`)
  }

  /** What is beyond the quota and has grown. */
  #broken(prefix: Key, before: Usage, after: Usage): string | undefined {
    const { keysMax, bytesMax } = this.#quotas.get(prefix) ?? { keysMax: Infinity, bytesMax: Infinity }
    if (after.keys > before.keys && after.keys > keysMax) return `${after.keys} keys of ${keysMax}`
    if (after.bytes > before.bytes && after.bytes > bytesMax) return `${after.bytes} bytes of ${bytesMax}`
    return undefined
  }

  #usageOf(prefix: Key): Usage {
    const under = [...this.#bytes].filter(([key]) => key.startsWith(prefix))
    return { keys: under.length, bytes: under.reduce((sum, [, bytes]) => sum + bytes, 0) }
  }

  #count({ type, keyValue: { key, value } }: Event): void {
    if (type === 'put') this.#bytes.set(key, key.length + value.byteLength)
    else this.#bytes.delete(key)
  }
}
