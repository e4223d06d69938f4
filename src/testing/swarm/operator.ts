/**
 * Whoever runs the machines of a cluster whose members come and go: sees to it that a process runs where a member is to be,
 * as what it is to be, and takes no risk with what the cluster could not recover from.
 *
 * Always: a directory is emptied only where the member of it was removed, and the name is that of another one by now.
 * Always: nobody is removed while a disk is known to have lost something, and no disk loses anything while somebody is being
 * removed: together they may leave two voters of which one has lost its promises, and those could not go on.
 */
import type { Checkers } from '../checkers/checkers.js'
import type { Supervisor } from '../faults/supervisor.js'
import type { Beginning, Place, SimWorld } from '../sim/world.js'
import type { Index } from '../../raft/types.js'
import { Draw } from './draw.js'
import type { MachineWork } from './expected.js'
import type { MembersStep, Operation } from './operation.js'
import type { Plan } from './plan.js'

export interface OperatorOptions {
  readonly plan: Plan
  readonly world: SimWorld
  readonly supervisor: Supervisor
  readonly checkers: Checkers
  readonly did: (work: MachineWork) => void
}

/** How often it looks at its machines. */
const LOOK_MS = 500
/** How long it takes to do something about one that is not as it should be, at most. */
const LATE_MS_MAX = 8_000
/** A call that is over for its client may still be on its way, and take effect. */
const EFFECT_MS_MAX = 10_000

const REMOVALS: readonly MembersStep['step'][] = ['remove', 'replace']
const CHANGES: readonly MembersStep['step'][] = [...REMOVALS, 'add', 'promote']

export class Operator {
  readonly #options: OperatorOptions
  /** Begun, and not over for certain. */
  readonly #underWay = new Map<Operation, { readonly step: MembersStep['step']; endMs: number }>()
  /** Whose directory was emptied by a fault, with how it was opened since; and for which member by us. */
  readonly #wiped = new Map<string, Beginning | undefined>()
  readonly #renewedFor = new Map<string, number>()
  /** Since when something is to be done at a place. */
  readonly #dueSince = new Map<string, number>()
  /** Up to where the state on a disk goes. */
  readonly #recorded = new Map<string, Index>()
  #healed = false

  constructor(options: OperatorOptions) {
    this.#options = options
  }

  start(): void {
    if (this.#options.plan.spares === undefined) return
    this.#look()
    this.#options.world.scheduler.timersOf().after(LOOK_MS, () => {
      this.start()
    })
  }

  /** Everything is put right at once. */
  heal(): void {
    this.#healed = true
    if (this.#options.plan.spares !== undefined) this.#look()
  }

  /** Whether every machine is as it should be. */
  get idle(): boolean {
    return this.#options.world.places.every((place) => this.#workAt(place) === undefined)
  }

  /** Names of those that belong to the cluster. */
  get members(): readonly string[] {
    const { book } = this.#options.checkers.membership
    return book?.map(({ name }) => name) ?? this.#options.plan.members
  }

  begins({ name }: Place): Beginning {
    const { plan, checkers } = this.#options
    if (!plan.members.includes(name) || this.#renewedFor.has(name)) return 'joins'
    if (!this.#wiped.has(name)) return 'first'
    // A directory that was begun in one way is opened in the same ever after.
    const begins = this.#wiped.get(name) ?? (checkers.membership.book === undefined ? 'rejoins' : 'joins')
    this.#wiped.set(name, begins)
    return begins
  }

  wiped(name: string): void {
    this.#wiped.set(name, undefined)
  }

  /** Of a directory from which nothing was promised, and whose member was removed before it was: it is emptied. */
  isOfNobody(name: string): boolean {
    const place = this.#options.world.place(name)
    if (this.begins(place) !== 'joins') return false
    this.#options.world.scheduler.timersOf().after(0, () => {
      place.disk.wipe()
    })
    return true
  }

  recorded(name: string, index: Index): void {
    this.#recorded.set(name, index)
  }

  mayBegin({ type, ...operation }: Operation): boolean {
    if (type !== 'change-members') return true
    const { step } = (operation as Extract<Operation, { type: 'change-members' }>).step
    if (!CHANGES.includes(step) || this.#options.supervisor.hurt === undefined) return true
    return !REMOVALS.includes(step) && this.#options.checkers.membership.voters.length > 2
  }

  began(operation: Operation): void {
    if (operation.type === 'change-members')
      this.#underWay.set(operation, { step: operation.step.step, endMs: Infinity })
  }

  ended(operation: Operation): void {
    const underWay = this.#underWay.get(operation)
    if (underWay !== undefined) underWay.endMs = this.#options.world.nowMs + EFFECT_MS_MAX
  }

  /** Whether the cluster can do without what `name` has on its disk. */
  mayLose(name: string): boolean {
    const { plan, checkers } = this.#options
    if (plan.spares === undefined) return true
    const { voters, inFlight } = checkers.membership
    if (inFlight || this.#isUnderWay(REMOVALS)) return false
    // The only one that its options name takes itself for alone, and refuses a damaged log.
    if (plan.members.length === 1 && plan.members.includes(name)) return false
    // So does one whose state is of a time at which nobody else voted, where its log can no longer tell of others.
    const then = checkers.votersAt(this.#recorded.get(name) ?? 0)
    if (then.length === 1 && then.includes(checkers.memberIdOf(name))) return false
    if (voters.length > 2) return true
    return !voters.includes(checkers.memberIdOf(name)) && !this.#isUnderWay(CHANGES)
  }

  /** Whether `name` is, as far as it runs, who belongs to the cluster under this name. */
  belongs(name: string): boolean {
    const { plan, checkers } = this.#options
    const { book } = checkers.membership
    if (book === undefined) return plan.members.includes(name)
    return book.some((member) => member.name === name && member.id === checkers.memberIdOf(name))
  }

  #isUnderWay(steps: readonly MembersStep['step'][]): boolean {
    const { nowMs } = this.#options.world
    for (const [operation, { endMs }] of this.#underWay) if (endMs <= nowMs) this.#underWay.delete(operation)
    return [...this.#underWay.values()].some(({ step }) => steps.includes(step))
  }

  #look(): void {
    const { world, plan } = this.#options
    for (const place of world.places) {
      const work = this.#workAt(place)
      if (work === undefined) {
        this.#dueSince.delete(place.name)
        continue
      }
      const sinceMs = this.#dueSince.get(place.name) ?? world.nowMs
      this.#dueSince.set(place.name, sinceMs)
      const lateMs = new Draw('operator', plan.seed, place.name, place.lives).spread(1, LATE_MS_MAX)
      if (!this.#healed && world.nowMs < sinceMs + lateMs) continue
      this.#dueSince.delete(place.name)
      work()
    }
  }

  /** What is to be done at a place, if anything is. */
  #workAt(place: Place): (() => void) | undefined {
    const { checkers, supervisor, world, did } = this.#options
    const { name } = place
    const member = checkers.membership.book?.find((each) => each.name === name)
    if (member === undefined) return undefined
    const { id, address } = member
    const known = checkers.memberIdOf(name)
    // Who lags may have let it in as the one that was removed.
    const isDue = this.#renewedFor.get(name) !== id || place.store !== undefined
    if (known !== id && checkers.wasRemoved(known) && isDue) {
      return () => {
        this.#renewedFor.set(name, id)
        place.address = address
        world.crash(place, 'process')
        place.disk.wipe()
        checkers.diskChanged(name, 'damaged')
        did('a removed one begins anew with an empty directory')
        supervisor.keepDown(name, 1)
      }
    }
    if (address === place.address) return undefined
    return () => {
      place.address = address
      supervisor.restart(name, 1)
      did('a process moves to another address')
    }
  }
}
