/**
 * The clients of a crash run, in the process that kills: what they were told survives every kill.
 *
 * Always: a call is recorded before it is sent, and each value is written once in the whole run. A call whose process was
 * killed before the answer was heard is `pending`: its effect may be there or not.
 * Always: no member falls behind by more than half of what the others keep of their logs: the load waits for it.
 * (A member that misses more could only be helped with a snapshot.)
 */
import { ProcessGone } from '../demo/processes/child.js'
import { below, type Random } from '../src/base/random.js'
import { seededRandom } from '../src/base/seeded-random.js'
import type { Recorded } from './crash-history.js'
import type { CrashCluster, Member } from './crash-cluster.js'
import type { Call, Result } from './crash-messages.js'

export interface LoadOptions {
  readonly seed: number
  readonly clientsPerMember: number
  /** Bytes of writes that a member may lack. */
  readonly lagBytesMax: number
}

const KEYS = 24
const VALUE_BYTES_MIN = 1024
const VALUE_BYTES_MAX = 6 * 1024
const PAUSE_MS_MIN = 4
const PAUSE_MS_MAX = 40
/** Most calls get their answer; those with a short time show what becomes of a write that is given up. */
const TIMEOUT_MS = 5000
const SHORT_TIMEOUT_MS = 150
const SHORT_ONE_IN = 12
const TYPES = ['put', 'put', 'put', 'put', 'put', 'swap', 'swap', 'read', 'read', 'delete', 'refuse'] as const

export class CrashLoad {
  readonly calls: Recorded[] = []
  acknowledgedBytes = 0
  readonly #cluster: CrashCluster
  readonly #options: LoadOptions
  #ids = 0
  #stopped = false
  #clients: Promise<unknown> = Promise.resolve()
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
    this.#clients = Promise.all(clients).catch((error: unknown) => {
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
      const type = TYPES[below(random, TYPES.length)] ?? 'put'
      const key = `key/${below(random, KEYS)}`
      const bytes = VALUE_BYTES_MIN + below(random, VALUE_BYTES_MAX - VALUE_BYTES_MIN)
      const timeoutMs = below(random, SHORT_ONE_IN) === 0 ? below(random, SHORT_TIMEOUT_MS) : TIMEOUT_MS
      const writes = type !== 'read' && type !== 'delete'
      await this.#call(member, writes ? { type, key, id: this.#nextId(), bytes } : { type, key }, timeoutMs)
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
      if (result.outcome === 'ok' && result.changed) this.#acknowledged(result.revision, bytes)
    } catch (error) {
      if (!(error instanceof ProcessGone)) throw error
    } finally {
      this.#underWayBytes -= bytes
    }
    return recorded
  }

  #acknowledged(revision: number, bytes: number): void {
    this.acknowledgedBytes += bytes
    this.#recent.push({ revision, bytes })
    this.#recentBytes += bytes
  }

  #lagBytes(): number {
    const reached = Math.min(...this.#cluster.members.map((member) => member.reached))
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

function record(call: Call, member: Member): Recorded {
  return {
    type: call.type === 'refuse' ? 'put' : call.type,
    member: member.name,
    key: call.key,
    value: 'id' in call ? call.id : undefined,
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
