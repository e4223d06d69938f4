/**
 * Changing the members of a cluster, over one of them: the calls of users, made of single steps that the leader decides on.
 *
 *     add        add-learner ── look, again and again, how far it is ──► promote
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
import { CALL_FIELDS, checkConsistency } from '../api/check-call.js'
import { checkFields, type Fields } from '../api/check-fields.js'
import {
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
    const { name = '', address, role } = newMemberOf(given)
    return this.#change('add()', options, async (change) => {
      const { members } = await this.#status(change)
      this.#checkAddresses(members, address)
      const added = await this.#addLearner(members, name, address, change)
      const found = role === 'voter' ? await this.#promoteCaughtUp(added, change) : added
      change.progress.at('done', 100, 'all was done')
      return found
    })
  }

  async announce(given: Announcement): Promise<void> {
    clientUrlsOf(given)
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
    const { name = '', address } = newMemberOf(given)
    return this.#change('replace()', options, async (change) => {
      const { members } = await this.#status(change)
      this.#checkAddresses(members, address)
      const old = select(members, selection)
      const fresh = members.find((member) => member.name === name)
      if (old === undefined && fresh === undefined) throw notFound(selection, members)
      if (old !== undefined && old.id === fresh?.id) throw replacesItself(old)
      const role = given.role ?? old?.role ?? fresh?.role ?? 'voter'
      const added = await this.#addLearner(members, name, address, change)
      const found = role === 'voter' ? await this.#promoteCaughtUp(added, change) : added
      if (old !== undefined) {
        change.progress.at('removing', 100, `${describe(found)} is there, and ${describe(old)} still is`)
        await this.#remove(old, change)
      }
      change.progress.at('done', 100, 'all was done')
      return found
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
        `it is not known whether ${quote(found.name)} was given the address; where it was the others look for it there: open ` +
          'it with that one, and ask members that were not moved',
      )
      await this.#member.changeMembers({ type: 'update', id: found.id, address }, identity, limits)
      return memberRecordOf({ ...found, address })
    })
  }

  async promote(selection: MemberSelection, call: CallOptions = {}): Promise<ClusterMember> {
    checkSelection(selection)
    return this.#change('promote()', call, async (change) => {
      const { members } = await this.#status(change)
      const found = select(members, selection)
      if (found === undefined) throw notFound(selection, members)
      change.progress.reached(`it is not known whether ${quote(found.name)} votes already`)
      if (found.role === 'learner') await this.#promote(found.id, change)
      return memberRecordOf(found, 'voter')
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
    for (const each of members) this.#parts.checkReachable(each.address, `of member ${quote(each.name)}`)
  }

  async #addLearner(
    members: readonly MemberProgress[],
    name: string,
    address: string,
    { identity, limits, progress }: Change,
  ): Promise<ClusterMember> {
    const namesake = members.find((member) => member.name === name)
    if (namesake !== undefined) {
      if (namesake.address === address) return memberRecordOf(namesake)
      throw new StoreError('MEMBER_EXISTS', `There is a member ${quote(name)} already, at ${quote(namesake.address)}.`)
    }
    progress.at('adding', 0, `it is not known whether ${quote(name)} was added`)
    const id = freshId(members, this.#parts.environment)
    try {
      await this.#member.changeMembers({ type: 'add-learner', id, name, address }, identity, limits)
    } catch (error) {
      if (!isStoreError(error, 'MEMBER_EXISTS')) throw error
      // Another caller was a moment earlier; if it wanted the same, so be it.
      const { members: after } = await this.#member.membersStatus(identity, limits)
      const other = after.find((member) => member.name === name && member.address === address)
      if (other === undefined) throw error
      return memberRecordOf(other)
    }
    return memberRecordOf({ id, name, address, role: 'learner' })
  }

  async #promoteCaughtUp(member: ClusterMember, change: Change): Promise<ClusterMember> {
    if (member.role === 'voter') return member
    const { limits, progress } = change
    const { environment } = this.#parts
    let target: number | undefined
    for (;;) {
      const { members, lastIndex } = await this.#status(change)
      target ??= lastIndex
      const found = members.find(({ id }) => id === member.id)
      if (found === undefined) throw removedMeanwhile(member)
      if (found.role === 'voter') return memberRecordOf(found)
      const percent = caughtUpPercent(found, target)
      progress.at('catching-up', percent, describeCatchingUp(found, percent))
      if (percent === 100) {
        progress.at('promoting', 100, `${quote(found.name)} has caught up; whether it votes already is not known`)
        try {
          await this.#promote(found.id, change)
          return memberRecordOf(found, 'voter')
        } catch (error) {
          // What was written meanwhile it has to catch up with too.
          if (!isStoreError(error, 'LEARNER_NOT_READY')) throw error
        }
      }
      await pauseWithin(LIMITS.memberChangeLookMs, limits, environment, giveUp)
    }
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

function inOrder(members: readonly MemberWithRole[]): ClusterMember[] {
  return members.map((member) => memberRecordOf(member)).sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** What is left out must not stand in the way of a default. */
function definedOf({ timeoutMs, signal }: CallOptions): CallOptions {
  return { ...(timeoutMs !== undefined && { timeoutMs }), ...(signal !== undefined && { signal }) }
}

function describe({ name, role }: Pick<MemberWithRole, 'name' | 'role'>): string {
  return `${role} ${quote(name)}`
}

function describeCatchingUp(
  { name, address, active, recovering, matchIndex }: MemberProgress,
  percent: number,
): string {
  const added = `${quote(name)} is a learner`
  if (active) return `${added}, and ${percent} per cent of it caught up${recovering ? '; it is not counted yet' : ''}`
  if (matchIndex > 0) return `${added} and caught up by ${percent} per cent, and it does not answer just now`
  return (
    `${added}, and was not heard from: start it with open({ join }) under this name, and see that the leader reaches it at ` +
    quote(address)
  )
}

function notFound(selection: MemberSelection, members: readonly MemberWithRole[]): StoreError {
  const whom = typeof selection === 'string' ? `called ${quote(selection)}` : `with the id ${selection.id}`
  const names = members.map(({ name }) => quote(name)).join(', ')
  return new StoreError('MEMBER_NOT_FOUND', `There is no member ${whom}; the members are ${names}.`)
}

function replacesItself({ name }: MemberWithRole): StoreError {
  return new StoreError(
    'MEMBER_EXISTS',
    `${quote(name)} cannot be replaced by a member of the same name: give the new one another. To start the same member anew, ` +
      'in an empty directory, needs no change: open({ join }), or open({ rejoin: true }) for a first member.',
  )
}

function removedMeanwhile({ name }: Pick<MemberWithRole, 'name'>): StoreError {
  return new StoreError('MEMBER_NOT_FOUND', `${quote(name)} was removed by somebody else before it was promoted.`)
}
