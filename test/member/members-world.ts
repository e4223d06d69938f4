/** A cluster in virtual time whose members come and go: each place is a machine, some of which have a member from the start. */
import { isStoreError } from '../../src/base/errors.js'
import { MEMBER } from '../../src/machine/identity.js'
import type { MemberAddress } from '../../src/machine/member-book.js'
import type { CallLimits } from '../../src/member/deadlines.js'
import type { MemberEvent } from '../../src/member/event.js'
import { Member } from '../../src/member/member.js'
import type { MembersChange } from '../../src/member/members-change.js'
import { settingsOf, type OpenOptions } from '../../src/store/options.js'
import type { CrashKind } from '../../src/testing/sim/sim-medium.js'
import type { Place } from '../../src/testing/sim/place.js'
import type { Transport } from '../../src/transport/transport.js'
import { RunningWorld } from '../store/clusters.js'

export class NotRunning extends Error {}

export interface MembersWorldOptions {
  readonly seed?: number
  /** All machines; the first `initial` of them begin as a cluster. */
  readonly places?: readonly string[]
  readonly initial?: number
  readonly open?: Partial<OpenOptions>
  /** Places whose programs speak an older version of the protocol: 1, unless `oldVersion` says which. */
  readonly oldVersions?: readonly string[]
  readonly oldVersion?: number
  readonly observe?: (name: string, event: MemberEvent) => void
}

/** How a member is started: one of the first, or one that was added under this id. */
interface Start {
  readonly joinedAs: number | undefined
}

export class MembersWorld {
  readonly world: RunningWorld
  readonly members = new Map<string, Member>()
  readonly failures: string[] = []
  readonly oldVersions: Set<string>
  readonly #options: MembersWorldOptions
  readonly #initial: readonly string[]
  readonly #starts = new Map<string, Start>()
  #lastId = 1000

  static async start(options: MembersWorldOptions = {}): Promise<MembersWorld> {
    const made = new MembersWorld(options)
    for (const name of made.#initial) made.boot(name)
    made.world.go()
    await made.until(() => made.leaderName !== undefined && made.members.size === made.#initial.length)
    return made
  }

  private constructor(options: MembersWorldOptions) {
    const { seed = 1, places = ['a', 'b', 'c', 'd', 'e'], initial = 1 } = options
    this.#options = options
    this.oldVersions = new Set(options.oldVersions)
    this.#initial = places.slice(0, initial)
    for (const name of this.#initial) this.#starts.set(name, { joinedAs: undefined })
    this.world = new RunningWorld({ seed, members: places })
  }

  member(name: string): Member {
    const member = this.members.get(name)
    if (member === undefined) throw new NotRunning(`${name} does not run`)
    return member
  }

  /** Some member that runs, the leader where there is one. */
  get any(): Member {
    return this.member(this.leaderName ?? ([...this.members.keys()][0] as string))
  }

  get leaderName(): string | undefined {
    const leading = [...this.members].filter(([, member]) => !member.stopped && member.status.role === 'leader')
    return leading.sort(([, a], [, b]) => b.status.term - a.status.term)[0]?.[0]
  }

  limits(timeoutMs = 20_000): CallLimits {
    return { deadlineMs: this.world.place('a').clock.monotonicMs() + timeoutMs }
  }

  limitsAt(name: string, timeoutMs = 20_000): CallLimits {
    return { deadlineMs: this.world.place(name).clock.monotonicMs() + timeoutMs }
  }

  until(holds: () => boolean): Promise<void> {
    let waited = 0
    return this.world.until(() => {
      if (waited++ > 60_000) throw new Error('it did not come about within a minute')
      return holds()
    })
  }

  idOf(name: string): number {
    const joined = this.#starts.get(name)?.joinedAs
    return joined ?? settingsOf(this.#settings(name)).memberId
  }

  async lead(name: string): Promise<void> {
    await this.any.moveLeader(this.idOf(name), MEMBER, this.limitsAt(this.leaderName ?? 'a'))
    await this.until(() => this.leaderName === name)
  }

  /** Asks the member at `at` for a change. */
  change(change: MembersChange, at = this.leaderName ?? 'a', timeoutMs?: number): Promise<void> {
    return this.member(at).changeMembers(change, MEMBER, this.limitsAt(at, timeoutMs))
  }

  /** Adds a member as a learner and starts it at its place. */
  async addLearner(name: string, at?: string): Promise<number> {
    const id = ++this.#lastId
    await this.change({ type: 'add-learner', id, name, address: name }, at)
    this.bootJoining(name, id)
    return id
  }

  /** Adds a member, waits until it has caught up, and promotes it. */
  async add(name: string): Promise<number> {
    const id = await this.addLearner(name)
    await this.promote(id)
    return id
  }

  async promote(id: number): Promise<void> {
    for (;;) {
      try {
        await this.change({ type: 'promote', id })
        return
      } catch (error) {
        if (!isStoreError(error, 'LEARNER_NOT_READY')) throw error
        await this.world.pass(50)
      }
    }
  }

  bootJoining(name: string, id: number): void {
    this.#starts.set(name, { joinedAs: id })
    this.boot(name)
  }

  crash(name: string, kind: CrashKind = 'process'): void {
    this.members.delete(name)
    this.world.crash(this.world.place(name), kind)
  }

  restart(name: string, kind: CrashKind = 'process'): void {
    this.crash(name, kind)
    this.boot(name)
  }

  boot(name: string): void {
    const start = this.#starts.get(name)
    const place = this.world.place(name)
    this.world.start(place, async ({ environment, disk, transport: current, onStop }) => {
      const { process } = place
      const transport = this.oldVersions.has(name) ? this.#oldTransport(place) : current
      const settings = settingsOf(this.#settings(name))
      const told = start?.joinedAs === undefined ? settings.members : this.#told()
      try {
        const member = await Member.open({
          ...settings,
          members: told,
          memberId: start?.joinedAs ?? settings.memberId,
          clusterId: settingsOf(this.#settings(this.#initial[0] as string)).clusterId,
          joining: start?.joinedAs !== undefined,
          simpleTokenTtlMs: settings.auth.simpleTokenTtlMs,
          ...{ disk, transport, environment },
          listener: {
            leaderChanged: () => undefined,
            removed: () => undefined,
            failed: (error) => this.failures.push(`${name}: ${error.message}`),
          },
          observe: (event) => this.#options.observe?.(name, event),
        })
        if (process?.alive !== true) return
        this.members.set(name, member)
        onStop(() => member.close())
      } catch (error) {
        if (process?.alive === true) this.failures.push(`${name}: ${(error as Error).message}`)
      }
    })
  }

  async put(key: string, value: string, at = this.leaderName ?? 'a', timeoutMs?: number): Promise<void> {
    const request = { type: 'put', key, value: Buffer.from(value), lease: 0n, previousKeyValue: false } as const
    const put = { ...request, ignoreValue: false, ignoreLease: false }
    await this.member(at).propose(put, MEMBER, this.limitsAt(at, timeoutMs))
  }

  async get(key: string, at: string): Promise<string | undefined> {
    const limits = this.limitsAt(at)
    const member = this.member(at)
    await member.confirmRead(limits)
    const { keyValues } = await member.range({ type: 'range', key } as never, MEMBER, limits)
    const [found] = keyValues
    return found === undefined ? undefined : Buffer.from(found.value).toString()
  }

  /** `a voter, b learner`, by the book and the configuration of one member. */
  membersBy(name: string): string {
    const { addressBook, status } = this.member(name)
    const roles = addressBook.members.map((member) => `${member.name}${status.learners.includes(member.id) ? '?' : ''}`)
    return roles.join(' ')
  }

  /** All that run hold the same state, once they have all applied as much. */
  async agree(names: readonly string[]): Promise<void> {
    const status = (name: string) => this.member(name).status
    await this.until(() => new Set(names.map((name) => status(name).appliedIndex)).size === 1)
    const digests = new Set(names.map((name) => status(name).digest))
    if (digests.size > 1) throw new Error(`states differ: ${[...digests].join(', ')}`)
  }

  async stop(): Promise<void> {
    await this.world.halt()
  }

  #oldTransport({ name, process }: Place): Transport {
    const { network, scheduler } = this.world
    return network.transport(
      name,
      scheduler.timersOf(process),
      process && scheduler.enterOf(process),
      this.#options.oldVersion ?? 1,
    )
  }

  #told(): MemberAddress[] {
    const running = [...this.members.values()].filter((member) => !member.stopped)
    return [...(running[0]?.addressBook.members ?? [])]
  }

  #settings(name: string): OpenOptions {
    const cluster = Object.fromEntries(
      this.#initial.includes(name) ? this.#initial.map((each) => [each, each]) : [[name, name]],
    )
    const common = { electionTimeoutMs: 300, durability: 'none' as const, ...this.#options.open }
    return { ...common, name, cluster }
  }
}
