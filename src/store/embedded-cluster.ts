/**
 * Changing the members of a cluster, over one of them: the calls of users, made of single steps that the leader decides on.
 *
 *     add        add-learner ── look, again and again, how far it is ──► promote (or the leader does it by itself)
 *     replace    the same, then remove the old one: in this order, so that there is never one voter less than before
 *
 * Always: each step can be taken again without harm, and what is to be done next is read from the members as they are, not
 * remembered. So a call that ended anywhere is made again and goes on from there, from any member.
 */
import type { Environment } from '../base/clock.js'
import { isStoreError, StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { quote } from '../base/quote.js'
import { randomId } from '../base/random.js'
import { checkBoolean } from '../api/check-boolean.js'
import { CALL_FIELDS, checkConsistency } from '../api/check-call.js'
import { checkFields, type Fields } from '../api/check-fields.js'
import {
  ADD_MEMBER_CALL,
  checkAddressText,
  clientUrlsOf,
  checkSelection,
  LIST_MEMBERS_CALL,
  MEMBER_CHANGE_CALL,
  newMemberOf,
  type AddMemberOptions,
  type Announcement,
  type Cluster,
  type ClusterMember,
  type ListMembersOptions,
  type MemberChangeOptions,
  type MemberSelection,
  type NewMember,
} from '../api/cluster.js'
import type { CallOptions } from '../api/call-options.js'
import type { Identity } from '../machine/identity.js'
import { calledOf, type MemberAddress } from '../machine/member-book.js'
import type { CallLimits, GiveUp } from '../member/deadlines.js'
import type { Member } from '../member/member.js'
import { caughtUpPercent, type MemberProgress, type MembersStatus } from '../member/members-change.js'
import type { MemberWithRole } from '../member/roles.js'
import type { Caller } from './caller.js'
import { ChangeProgress } from './change-progress.js'
import { memberRecordOf } from './member-record.js'
import { pauseWithin } from './within.js'

export interface ClusterParts {
  readonly member: Member
  readonly caller: Caller
  readonly environment: Environment
  readonly limits: (call: CallOptions) => CallLimits
  /** Throws where this member could not be one of several, or `address` could not be dialled: `whose` stands behind it. */
  readonly checkReachable: (address: string, whose: string) => void
}

/** What the steps of one call share. */
interface Change {
  readonly identity: Identity
  readonly limits: CallLimits
  readonly progress: ChangeProgress
}

type Learner = MemberAddress & { readonly becomesVoter?: true }
type WantedMember = ReturnType<typeof newMemberOf>

const ADDRESS_CHANGE: Fields<{ address: string }> = { address: true }

export class EmbeddedCluster implements Cluster {
  readonly #parts: ClusterParts
  readonly #member: Member
  readonly #caller: Caller

  constructor(parts: ClusterParts) {
    this.#parts = parts
    this.#member = parts.member
    this.#caller = parts.caller
  }

  async list(options: ListMembersOptions = {}): Promise<readonly ClusterMember[]> {
    checkFields(options, LIST_MEMBERS_CALL, 'list()')
    const { consistency = 'linearizable', ...call } = options
    checkConsistency(consistency)
    const limits = this.#parts.limits(call)
    return this.#caller.perform(limits, async (identity) => {
      if (consistency === 'linearizable') await this.#member.confirmRead(limits)
      this.#member.authorize(identity, { type: 'member-list' })
      return inOrder(consistency === 'local' ? this.#member.members : this.#member.decidedMembers)
    })
  }

  async add(given: NewMember, options: AddMemberOptions = {}): Promise<ClusterMember> {
    const wanted = newMemberOf(given)
    checkFields(options, ADD_MEMBER_CALL, 'add()')
    const { wait, ...call } = options
    const waits = checkBoolean(wait, 'wait') ?? true
    return this.#change(waits ? 'add()' : 'add() without waiting', call, async (change) => {
      const { members } = await this.#status(change)
      this.#checkAddresses(members, wanted.address)
      const added = await this.#addLearner(members, wanted, change, waits)
      const found = wanted.role === 'voter' && waits ? await this.#promoteCaughtUp(added, change) : added
      change.progress.at('done', 100, 'all was done')
      return this.#recordOf(found)
    })
  }

  async announce(given: Announcement, call: CallOptions = {}): Promise<void> {
    const clientUrls = clientUrlsOf(given)
    return this.#change('announce()', call, async ({ identity, limits, progress }) => {
      progress.reached('it is not known whether the cluster has it')
      await this.#member.announce(clientUrls, identity, limits)
    })
  }

  async remove(selection: MemberSelection, call: CallOptions = {}): Promise<boolean> {
    checkSelection(selection)
    return this.#change('remove()', call, async (change) => {
      const found = select((await this.#status(change)).members, selection)
      if (found === undefined) return false
      change.progress.reached(`it is not known whether ${describe(found)} was removed`)
      await this.#remove(found, change)
      return true
    })
  }

  async replace(
    selection: MemberSelection,
    given: NewMember,
    options: MemberChangeOptions = {},
  ): Promise<ClusterMember> {
    checkSelection(selection)
    const wanted = newMemberOf(given)
    return this.#change('replace()', options, async (change) => {
      const { members } = await this.#status(change)
      this.#checkAddresses(members, wanted.address)
      const old = select(members, selection)
      const fresh = members.find((member) => isMeant(member, wanted))
      if (old === undefined && fresh === undefined) throw notFound(selection, members)
      if (old !== undefined && old.id === fresh?.id) throw replacesItself(old)
      const role = given.role ?? old?.role ?? fresh?.role ?? 'voter'
      const added = await this.#addLearner(members, { ...wanted, role }, change, true)
      const found = role === 'voter' ? await this.#promoteCaughtUp(added, change) : added
      if (old !== undefined) {
        change.progress.at('removing', 100, `${describe(found)} is there, and ${describe(old)} still is`)
        await this.#remove(old, change)
      }
      change.progress.at('done', 100, 'all was done')
      return this.#recordOf(found)
    })
  }

  async update(
    selection: MemberSelection,
    to: { readonly address: string },
    call: CallOptions = {},
  ): Promise<ClusterMember> {
    checkSelection(selection)
    if (to === undefined) throw new TypeError('the new address is missing: update(name, { address })')
    checkFields(to, ADDRESS_CHANGE, 'update()')
    const { address } = to
    checkAddressText(address)
    this.#parts.checkReachable(address, 'of a member')
    return this.#change('update()', call, async (change) => {
      const { members } = await this.#status(change)
      const found = select(members, selection)
      if (found === undefined) throw notFound(selection, members)
      const { identity, limits, progress } = change
      progress.reached(
        `it is not known whether ${calledOf(found)} was given the address; where it was the others look for it there: open ` +
          'it with that one, and ask members that were not moved',
      )
      await this.#member.changeMembers({ type: 'update', id: found.id, address }, identity, limits)
      return this.#recordOf({ ...found, address })
    })
  }

  async promote(selection: MemberSelection, call: CallOptions = {}): Promise<ClusterMember> {
    checkSelection(selection)
    return this.#change('promote()', call, async (change) => {
      const { members } = await this.#status(change)
      const found = select(members, selection)
      if (found === undefined) throw notFound(selection, members)
      change.progress.reached(`it is not known whether ${calledOf(found)} votes already`)
      if (found.role === 'learner') await this.#promote(found.id, change)
      return this.#recordOf({ ...found, role: 'voter' })
    })
  }

  async moveLeader(to?: MemberSelection, call: CallOptions = {}): Promise<void> {
    if (to !== undefined) checkSelection(to)
    checkFields(call, CALL_FIELDS, 'moveLeader()')
    const limits = this.#parts.limits(call)
    await this.#caller.perform(limits, async (identity) => {
      let id: number | undefined
      if (to !== undefined) {
        const { members } = await this.#member.membersStatus(identity, limits)
        const found = select(members, to)
        if (found === undefined) throw notFound(to, members)
        id = found.id
      }
      await this.#member.moveLeader(id, identity, limits)
    })
  }

  /** On behalf of whoever calls, within one deadline for all steps. */
  async #change<T>(what: string, options: MemberChangeOptions, steps: (change: Change) => Promise<T>): Promise<T> {
    const waits = what === 'add()' || what === 'replace()'
    checkFields(options, waits ? MEMBER_CHANGE_CALL : CALL_FIELDS, what)
    const { onProgress, ...call } = options
    const progress = new ChangeProgress(onProgress)
    const limits = this.#parts.limits(waits ? { timeoutMs: LIMITS.memberChangeMs, ...definedOf(call) } : call)
    try {
      return await this.#caller.perform(limits, async (identity) => {
        // Also where it turns out that there is nothing to be done.
        this.#member.authorize(identity, { type: 'member-change' })
        return steps({ identity, limits, progress })
      })
    } catch (error) {
      throw progress.explain(error)
    }
  }

  #status({ identity, limits }: Change): Promise<MembersStatus> {
    return this.#member.membersStatus(identity, limits)
  }

  /** A newcomer is told the addresses of all: each must be one that it can dial. */
  #checkAddresses(members: readonly MemberProgress[], address: string): void {
    this.#parts.checkReachable(address, 'of the new member')
    for (const each of members) this.#parts.checkReachable(each.address, `of member ${calledOf(each)}`)
  }

  /** Of one that is there already what it is to be in the end is recorded, too. */
  async #addLearner(
    members: readonly MemberProgress[],
    wanted: WantedMember,
    change: Change,
    waits: boolean,
  ): Promise<MemberWithRole> {
    const { name = '', address, role } = wanted
    const found = members.find((member) => isMeant(member, wanted))
    if (found !== undefined && found.address !== address) {
      throw new StoreError('MEMBER_EXISTS', `There is a member ${calledOf(found)} already, at ${quote(found.address)}.`)
    }
    if (found?.role === 'voter') return found
    const becomesVoter = role === 'voter'
    if (found !== undefined && !becomesVoter) return found
    const called = calledOf(found ?? { name, address })
    if (found === undefined) change.progress.at('adding', 0, `it is not known whether ${called} was added`)
    const id = found?.id ?? freshId(members, this.#parts.environment)
    const learner = { id, name: found?.name ?? name, address }
    try {
      const recorded = await this.#record({ ...learner, ...(becomesVoter && { becomesVoter }) }, change, waits)
      return { ...found, ...recorded, role: 'learner' }
    } catch (error) {
      if (!isStoreError(error, 'MEMBER_EXISTS') && !isStoreError(error, 'ADDRESS_TAKEN')) throw error
      // Another caller was a moment earlier; if it wanted the same, so be it.
      const { members: after } = await this.#status(change)
      const other = after.find((member) => isMeant(member, wanted) && member.address === address)
      if (other === undefined) throw error
      return other
    }
  }

  /** As recorded: members of a version that has not heard of learners who become voters leave it to whoever waits. */
  async #record(learner: Learner, { identity, limits }: Change, waits: boolean): Promise<Learner> {
    try {
      await this.#member.changeMembers({ type: 'add-learner', ...learner }, identity, limits)
      return learner
    } catch (error) {
      const { becomesVoter, ...plain } = learner
      const goesWithout = waits && learner.name !== '' && becomesVoter === true
      if (!goesWithout || !isStoreError(error, 'MEMBERS_TOO_OLD')) throw error
      await this.#member.changeMembers({ type: 'add-learner', ...plain }, identity, limits)
      return plain
    }
  }

  async #promoteCaughtUp(member: MemberWithRole, change: Change): Promise<MemberWithRole> {
    if (member.role === 'voter') return member
    const { limits, progress } = change
    const { environment } = this.#parts
    let target: number | undefined
    for (;;) {
      const { members, lastIndex } = await this.#status(change)
      target ??= lastIndex
      const found = members.find(({ id }) => id === member.id)
      if (found === undefined) throw removedMeanwhile(member)
      // Made one by the leader itself: whether that is decided is asked as if it were not.
      const votes = found.role === 'voter'
      const percent = votes ? 100 : caughtUpPercent(found, target)
      // Also of one that was made a voter between two looks: whoever follows it sees how that came.
      progress.at('catching-up', percent, describeCatchingUp(found, percent))
      if (percent === 100) {
        progress.at('promoting', 100, `${calledOf(found)} has caught up; whether it votes already is not known`)
        try {
          await this.#promote(found.id, change)
          return { ...found, role: 'voter' }
        } catch (error) {
          // What was written meanwhile it has to catch up with too.
          if (!isStoreError(error, 'LEARNER_NOT_READY')) throw error
        }
      }
      await pauseWithin(LIMITS.memberChangeLookMs, limits, environment, giveUp)
    }
  }

  /** With what this member knows that the leader did not say. */
  #recordOf(member: MemberWithRole): ClusterMember {
    const known = this.#member.decidedMembers.find(({ id }) => id === member.id)
    return memberRecordOf({ ...known, ...member })
  }

  async #promote(id: number, { identity, limits }: Change): Promise<void> {
    try {
      await this.#member.changeMembers({ type: 'promote', id }, identity, limits)
    } catch (error) {
      // Another caller was a moment earlier.
      if (!isStoreError(error, 'NOT_A_LEARNER')) throw error
    }
  }

  async #remove({ id }: MemberProgress, { identity, limits }: Change): Promise<void> {
    try {
      await this.#member.changeMembers({ type: 'remove', id }, identity, limits)
    } catch (error) {
      // That it is done ended this member, before it could say so.
      if (id !== this.#member.id || !isStoreError(error, 'MEMBER_REMOVED')) throw error
    }
  }
}

const giveUp: GiveUp = (code, cause) => new StoreError(code, 'The member has not caught up.', { cause })

function select<Known extends { readonly id: number; readonly name: string }>(
  members: readonly Known[],
  selection: MemberSelection,
): Known | undefined {
  return members.find(({ id, name }) => (typeof selection === 'string' ? name === selection : id === selection.id))
}

function freshId(members: readonly MemberProgress[], { random }: Environment): number {
  // Of 2^52: the leader refuses one that was in use ever.
  let id = randomId(random)
  while (members.some((member) => member.id === id)) id = randomId(random)
  return id
}

/** Whether this is the member that is asked for: by its name, or, where none is given, by its address. */
function isMeant(member: MemberAddress, { name, address }: WantedMember): boolean {
  return name === undefined ? member.address === address : member.name === name
}

function inOrder(members: readonly MemberWithRole[]): ClusterMember[] {
  return [...members].sort((a, b) => (a.name === b.name ? a.id - b.id : a.name < b.name ? -1 : 1)).map(memberRecordOf)
}

/** What is left out must not stand in the way of a default. */
function definedOf({ timeoutMs, signal }: CallOptions): CallOptions {
  return { ...(timeoutMs !== undefined && { timeoutMs }), ...(signal !== undefined && { signal }) }
}

function describe(member: MemberWithRole): string {
  return `${member.role} ${calledOf(member)}`
}

function describeCatchingUp(member: MemberProgress, percent: number): string {
  const { name, address, role, active, recovering, matchIndex } = member
  const added = `${calledOf(member)} is a ${role}`
  if (active) return `${added}, and ${percent} per cent of it caught up${recovering ? '; it is not counted yet' : ''}`
  if (matchIndex > 0) return `${added} and caught up by ${percent} per cent, and it does not answer just now`
  return (
    `${added}, and was not heard from: start it with open({ join })${name === '' ? '' : ' under this name'}, and see that the leader reaches it at ` +
    quote(address)
  )
}

function notFound(selection: MemberSelection, members: readonly MemberWithRole[]): StoreError {
  const whom = typeof selection === 'string' ? `called ${quote(selection)}` : `with the id ${selection.id}`
  const names = members.map(calledOf).join(', ')
  return new StoreError('MEMBER_NOT_FOUND', `There is no member ${whom}; the members are ${names}.`)
}

function replacesItself(member: MemberWithRole): StoreError {
  return new StoreError(
    'MEMBER_EXISTS',
    `${calledOf(member)} cannot be replaced by itself: give the new one another. To start the same member anew, ` +
      'in an empty directory, needs no change: open({ join }), or open({ rejoin: true }) for a first member.',
  )
}

function removedMeanwhile(member: MemberWithRole): StoreError {
  return new StoreError('MEMBER_NOT_FOUND', `${calledOf(member)} was removed by somebody else before it was promoted.`)
}
