/**
 * The clients of a crash run, in the process that kills: what they were told survives every kill.
 *
 * Always: a call is recorded before it is sent, and each value is written once in the whole run. A call whose process was
 * killed before the answer was heard is `pending`: its effect may be there or not.
 * Always: no member falls behind by more than `lagBytesMax`: the load waits for it. History is compacted only as far as every
 * watch has come, so that all of them together can tell it.
 */
import { ProcessGone } from '../../demo/processes/child.js'
import { below, type Random } from '../../src/base/random.js'
import { seededRandom } from '../../src/base/seeded-random.js'
import type { Recorded } from './history.js'
import type { CrashCluster, Member } from './cluster.js'
import { LeaseBook } from './leases.js'
import type { Call, LeaseCall, LeaseName, Result } from './messages.js'

export interface LoadOptions {
  readonly seed: number
  readonly clientsPerMember: number
  /** Bytes of writes that a member may lack. */
  readonly lagBytesMax: number
}

const KEYS = 24
const LEASE_KEYS = 12
const VALUE_BYTES_MIN = 1024
const VALUE_BYTES_MAX = 6 * 1024
const PAUSE_MS_MIN = 4
const PAUSE_MS_MAX = 40
/** Most calls get their answer; those with a short time show what becomes of a write that is given up. */
const TIMEOUT_MS = 5000
const SHORT_TIMEOUT_MS = 150
const SHORT_ONE_IN = 12
const TYPES = [
  ...['put', 'put', 'put', 'put', 'swap', 'swap', 'pair', 'pair', 'read', 'read', 'delete', 'refuse'],
  ...['grant', 'attach', 'attach', 'renew', 'renew', 'revoke'],
] as readonly (Call['type'] | LeaseCall['type'])[]
/** The shortest that members grant at these election timeouts, and one that outlives the run. */
const LEASE_MS = [1000, 2000, 3_600_000] as const
export const SHORT_LEASE_MS_MAX = 2000
/** Those that calls are about: most are over by then, some are not. */
const LEASES_IN_USE = 12
const COMPACT_EVERY_MS = 700
const HISTORY_KEPT = 120

export class CrashLoad {
  readonly calls: Recorded[] = []
  readonly leases = new LeaseBook()
  acknowledgedBytes = 0
  compactions = 0
  readonly #cluster: CrashCluster
  readonly #options: LoadOptions
  #ids = 0
  #stopped = false
  #clients: Promise<unknown> = Promise.resolve()
  /** The last ones that were asked for. */
  #inUse: LeaseName[] = []
  /** Acknowledged writes that some member may not have yet. */
  #recent: { readonly revision: number; readonly bytes: number }[] = []
  #recentBytes = 0
  #underWayBytes = 0

  constructor(cluster: CrashCluster, options: LoadOptions) {
    this.#cluster = cluster
    this.#options = options
  }

  start(): void {
    const { members } = this.#cluster
    const { seed, clientsPerMember } = this.#options
    const clients = members.flatMap((member, at) => {
      return Array.from({ length: clientsPerMember }, (_, client) => {
        return this.#client(member, seededRandom(seed * 7919 + at * clientsPerMember + client))
      })
    })
    this.#clients = Promise.all([...clients, this.#compactor(seededRandom(seed + 1))]).catch((error: unknown) => {
      this.#cluster.heard.fail(error instanceof Error ? error : new Error(String(error)))
    })
  }

  /** No further calls; resolves when those under way have ended. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#cluster.heard.lookAgain()
    await this.#clients
  }

  count(outcome: Recorded['outcome']): number {
    return this.calls.filter((call) => call.type !== 'read' && call.outcome === outcome).length
  }

  /** One put that must be acknowledged. */
  async mustPut(member: Member): Promise<void> {
    const call = { type: 'put', key: 'last', id: this.#nextId(), bytes: VALUE_BYTES_MIN } as const
    const recorded = await this.#call(member, call, TIMEOUT_MS * 4)
    if (recorded.outcome !== 'ok') throw new Error(`a put through ${member.name} ended as ${recorded.outcome}`)
  }

  async #client(member: Member, random: Random): Promise<void> {
    const { heard } = this.#cluster
    const mayCall = (): boolean => member.opened && this.#lagBytes() < this.#options.lagBytesMax
    while (!this.#stopped) {
      await heard.pause(PAUSE_MS_MIN + below(random, PAUSE_MS_MAX - PAUSE_MS_MIN))
      await heard.until(`${member.name} may be called`, () => this.#stopped || mayCall())
      if (this.#stopped) return
      const timeoutMs = below(random, SHORT_ONE_IN) === 0 ? below(random, SHORT_TIMEOUT_MS) : TIMEOUT_MS
      const call = this.#draw(random)
      if (isLeaseCall(call)) await this.#callLease(member, call, timeoutMs)
      else await this.#call(member, call, timeoutMs)
    }
  }

  #draw(random: Random): Call | LeaseCall {
    const type = TYPES[below(random, TYPES.length)] ?? 'put'
    const key = `key/${below(random, KEYS)}`
    const bytes = VALUE_BYTES_MIN + below(random, VALUE_BYTES_MAX - VALUE_BYTES_MIN)
    const lease = this.#inUse[below(random, LEASES_IN_USE)] ?? ''
    const ttlMs = LEASE_MS[below(random, LEASE_MS.length)] ?? LEASE_MS[0]
    switch (type) {
      case 'read':
      case 'delete':
        return { type, key }
      case 'pair': {
        const id = this.#nextId()
        return { type, key, id, bytes: bytes / 2, otherKey: `pair/${below(random, KEYS)}`, otherId: `${id}-` }
      }
      case 'grant':
        return { type, lease: String(1_000_000 + ++this.#ids), ttlMs }
      case 'renew':
      case 'revoke':
        return lease === '' ? { type: 'read', key } : { type, lease }
      case 'attach':
        if (lease === '') return { type: 'read', key }
        return { type, key: `lease/${below(random, LEASE_KEYS)}`, id: this.#nextId(), bytes: VALUE_BYTES_MIN, lease }
      case 'put':
      case 'swap':
      case 'refuse':
        return { type, key, id: this.#nextId(), bytes }
    }
  }

  async #call(member: Member, call: Call, timeoutMs: number): Promise<Recorded> {
    const recorded = record(call, member)
    this.calls.push(recorded)
    const bytes = 'bytes' in call ? call.bytes : 0
    this.#underWayBytes += bytes
    try {
      const result = await member.child.ask<Result>({ type: 'call', call, timeoutMs })
      recorded.returnedMs = performance.now()
      note(recorded, call, result)
      const isMissing = result.outcome !== 'ok' && result.code === 'LEASE_NOT_FOUND'
      if (call.type === 'attach' && isMissing) this.leases.missed(call.lease, recorded.invokedMs, recorded.returnedMs)
      if (result.outcome === 'ok' && result.changed) this.#acknowledged(result.revision, bytes)
    } catch (error) {
      if (!(error instanceof ProcessGone)) throw error
    } finally {
      this.#underWayBytes -= bytes
    }
    return recorded
  }

  async #callLease(member: Member, call: LeaseCall, timeoutMs: number): Promise<void> {
    const invokedMs = performance.now()
    this.leases.begin(call)
    if (call.type === 'grant') this.#inUse = [call.lease, ...this.#inUse].slice(0, LEASES_IN_USE)
    try {
      const result = await member.child.ask<Result>({ type: 'lease', call, timeoutMs })
      this.leases.end(call, result, invokedMs, performance.now())
    } catch (error) {
      if (!(error instanceof ProcessGone)) throw error
    }
  }

  async #compactor(random: Random): Promise<void> {
    const { heard, members } = this.#cluster
    for (let last = 1; !this.#stopped;) {
      await heard.pause(below(random, 2 * COMPACT_EVERY_MS))
      const member = members[below(random, members.length)]
      const revision = this.#cluster.seenByAll - HISTORY_KEPT
      if (this.#stopped || member === undefined || !member.opened || revision <= last) continue
      last = revision
      try {
        const { outcome } = await member.child.ask<Result>({ type: 'compact', revision })
        if (outcome === 'ok') this.compactions++
      } catch (error) {
        if (!(error instanceof ProcessGone)) throw error
      }
    }
  }

  #acknowledged(revision: number, bytes: number): void {
    this.acknowledgedBytes += bytes
    this.#recent.push({ revision, bytes })
    this.#recentBytes += bytes
  }

  #lagBytes(): number {
    const awaited = this.#cluster.members.filter(({ leftBehind }) => !leftBehind)
    const reached = Math.min(...awaited.map((member) => member.reached))
    if ((this.#recent[0]?.revision ?? Infinity) <= reached) {
      this.#recent = this.#recent.filter(({ revision }) => revision > reached)
      this.#recentBytes = this.#recent.reduce((sum, { bytes }) => sum + bytes, 0)
    }
    return this.#recentBytes + this.#underWayBytes
  }

  #nextId(): string {
    this.#ids++
    return `v${this.#ids}`
  }
}

function isLeaseCall(call: Call | LeaseCall): call is LeaseCall {
  return call.type === 'grant' || call.type === 'renew' || call.type === 'revoke'
}

function record(call: Call, member: Member): Recorded {
  return {
    type: call.type === 'refuse' ? 'put' : call.type,
    member: member.name,
    key: call.key,
    value: 'id' in call ? call.id : undefined,
    otherValue: call.type === 'pair' ? call.otherId : undefined,
    invokedMs: performance.now(),
    returnedMs: undefined,
    // It can have no effect whoever dies.
    outcome: call.type === 'refuse' ? 'refused' : 'pending',
    revision: undefined,
    changed: false,
  }
}

function note(recorded: Recorded, call: Call, result: Result): void {
  if (result.outcome !== 'ok') {
    if (call.type !== 'refuse') recorded.outcome = result.outcome
    return
  }
  if (call.type === 'refuse') throw new Error(`a put with a lease that does not exist was acknowledged: ${call.id}`)
  recorded.outcome = 'ok'
  recorded.revision = result.revision
  recorded.changed = result.changed
  if (call.type === 'read') recorded.value = result.id
}
