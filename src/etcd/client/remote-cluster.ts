/**
 * Changing the members of a cluster over etcd's API, where members are added by their address alone: the process that is
 * started there says its name.
 *
 * Always: as everywhere in the contract, whoever is to vote is added as a learner, and promoted when it has caught up.
 */
import { isStoreError, StoreError } from '../../base/errors.js'
import { LIMITS } from '../../base/limits.js'
import { quote } from '../../base/quote.js'
import { CALL_FIELDS, checkConsistency } from '../../api/check-call.js'
import { checkBoolean } from '../../api/check-boolean.js'
import { checkFields, kind } from '../../api/check-fields.js'
import {
  ADD_MEMBER_CALL,
  checkAddressText,
  checkSelection,
  clientUrlsOf,
  LIST_MEMBERS_CALL,
  MEMBER_CHANGE_CALL,
  newMemberOf,
  type AddMemberOptions,
  type Announcement,
  type Cluster,
  type ClusterMember,
  type ListMembersOptions,
  type MemberChangeOptions,
  type MemberProgress,
  type MemberSelection,
  type NewMember,
} from '../../api/cluster.js'
import type { CallOptions } from '../../api/call-options.js'
import type { Member } from '../generated/rpc.js'
import { membersOf, peerUrlOf } from './cluster-messages.js'
import { notSupported } from './not-supported.js'
import type { Remote } from './remote.js'
import { amiss } from './responses.js'
import { givingUp, type CallLimits } from './waiting.js'

/** What the steps of one call share. */
interface Change {
  readonly limits: CallLimits
  readonly told: (progress: MemberProgress) => void
}

export class RemoteCluster implements Cluster {
  readonly #remote: Remote

  constructor(remote: Remote) {
    this.#remote = remote
  }

  async list(options: ListMembersOptions = {}): Promise<readonly ClusterMember[]> {
    checkFields(options, LIST_MEMBERS_CALL, 'list()')
    const { consistency = 'linearizable', ...call } = options
    checkConsistency(consistency)
    return this.#remote.members(consistency === 'linearizable', call)
  }

  async add(given: NewMember, options: AddMemberOptions = {}): Promise<ClusterMember> {
    const member = newMemberOf(given)
    checkFields(options, ADD_MEMBER_CALL, 'add()')
    const { wait = true } = options
    checkBoolean(wait, 'wait')
    // Before anything is done: a learner that nobody promotes would stay behind.
    if (member.role === 'voter' && !wait) throw notSupported('cluster.add() of a voter without waiting')
    const change = this.#change(options, LIMITS.memberChangeMs)
    const added = await this.#added(member, change)
    if (member.role !== 'voter' || added.role === 'voter') return this.#done(added, change)
    return this.#done(await this.#promoted(added, change), change)
  }

  async announce(announcement: Announcement, call: CallOptions = {}): Promise<void> {
    clientUrlsOf(announcement)
    checkFields(call, CALL_FIELDS, 'announce()')
    throw notSupported('cluster.announce()')
  }

  async remove(selection: MemberSelection, call: CallOptions = {}): Promise<boolean> {
    checkSelection(selection)
    checkFields(call, CALL_FIELDS, 'remove()')
    const change = this.#change(call)
    const found = select(await this.#members(change), selection)
    if (found === undefined) return false
    await this.#remove(found, change)
    return true
  }

  async replace(
    selection: MemberSelection,
    given: NewMember,
    options: MemberChangeOptions = {},
  ): Promise<ClusterMember> {
    checkSelection(selection)
    const member = newMemberOf(given)
    checkFields(options, MEMBER_CHANGE_CALL, 'replace()')
    const change = this.#change(options, LIMITS.memberChangeMs)
    const members = await this.#members(change)
    const old = select(members, selection)
    const fresh = members.find(
      ({ name, address }) => address === member.address || (name !== '' && name === member.name),
    )
    if (old === undefined && fresh === undefined) throw notFound(selection, members)
    if (old !== undefined && (old.id === fresh?.id || old.name === member.name)) {
      throw new StoreError(
        'MEMBER_EXISTS',
        `${quote(old.name)} cannot be replaced by itself: give the new one another name.`,
      )
    }
    const added = await this.#added(member, change)
    const role = given.role ?? old?.role ?? added.role
    const found = role === 'voter' && added.role === 'learner' ? await this.#promoted(added, change) : added
    if (old !== undefined) {
      change.told({ step: 'removing', percent: 100 })
      await this.#remove(old, change)
    }
    return this.#done(found, change)
  }

  async update(
    selection: MemberSelection,
    to: { readonly address: string },
    call: CallOptions = {},
  ): Promise<ClusterMember> {
    checkSelection(selection)
    if (to === undefined) throw new TypeError('the new address is missing: update(name, { address })')
    checkFields(to, { address: true }, 'update()')
    checkAddressText(to.address)
    checkFields(call, CALL_FIELDS, 'update()')
    const change = this.#change(call)
    const { members, raw } = await this.#both(change)
    const found = select(members, selection)
    if (found === undefined) throw notFound(selection, members)
    if (found.address === to.address) return found
    const request = { ID: BigInt(found.id), peerURLs: [peerUrlOf(to.address, raw)] }
    const options = this.#call(change)
    const response = await this.#remote.call(({ cluster }) => cluster.memberUpdate(request, options))
    return this.#told(response.members, found)
  }

  async promote(selection: MemberSelection, call: CallOptions = {}): Promise<ClusterMember> {
    checkSelection(selection)
    checkFields(call, CALL_FIELDS, 'promote()')
    const change = this.#change(call)
    const members = await this.#members(change)
    const found = select(members, selection)
    if (found === undefined) throw notFound(selection, members)
    return found.role === 'voter' ? found : this.#promote(found, change)
  }

  /**
   * Only the leader takes it: the endpoints of the client are asked one after the other until it is found. Where the leader
   * says that clients reach it is no place to go to: whoever listens there would be sent the password or the token.
   */
  async moveLeader(to?: MemberSelection, call: CallOptions = {}): Promise<void> {
    if (to !== undefined) checkSelection(to)
    checkFields(call, CALL_FIELDS, 'moveLeader()')
    const change = this.#change(call)
    const members = await this.#members(change)
    const target = to === undefined ? await this.#successor(members, change) : select(members, to)
    if (target === undefined) throw notFound(to ?? '', members)
    if (target.role !== 'voter') {
      throw new StoreError('TRANSFEREE_INVALID', `${quote(target.name)} does not vote, so it cannot lead.`)
    }
    const request = { targetID: BigInt(target.id) }
    await this.#remote.call(({ maintenance }) => maintenance.moveLeader(request, this.#call(change)))
    await this.#remote.refresh(this.#call(change))
  }

  async #added(member: NewMember, change: Change): Promise<ClusterMember> {
    const { members, raw } = await this.#both(change)
    const namesake = members.find(({ name }) => name !== '' && name === member.name)
    if (namesake !== undefined && namesake.address !== member.address) {
      throw new StoreError(
        'MEMBER_EXISTS',
        `There is a member ${quote(namesake.name)} already, at ${quote(namesake.address)}.`,
      )
    }
    const there = members.find(({ address }) => address === member.address)
    if (there !== undefined) {
      if (there.name === '' || member.name === undefined || there.name === member.name) return there
      throw new StoreError('ADDRESS_TAKEN', `${quote(there.name)} has the address ${quote(member.address)} already.`)
    }
    change.told({ step: 'adding', percent: 0 })
    const request = { peerURLs: [peerUrlOf(member.address, raw)], isLearner: true }
    const response = await this.#remote.call(({ cluster }) => cluster.memberAdd(request, this.#call(change)))
    const [added] = membersOf(response.member === undefined ? [] : [response.member])
    if (added === undefined) throw amiss('no member that was added')
    this.#remote.tellMembers(membersOf(response.members))
    return added
  }

  /** It is found out by trying: a server does not tell how far a learner is. */
  async #promoted(member: ClusterMember, change: Change): Promise<ClusterMember> {
    change.told({ step: 'catching-up', percent: 0 })
    const { waiting } = this.#remote.client
    for (;;) {
      try {
        const found = await this.#promote(member, change)
        change.told({ step: 'promoting', percent: 100 })
        return found
      } catch (error) {
        if (!isStoreError(error, 'LEARNER_NOT_READY')) throw error
      }
      await waiting.pause(LIMITS.memberChangeLookMs, change.limits.signal)
      const what = `${quote(member.name)} at ${quote(member.address)} has caught up; it was added as a learner`
      waiting.check(change.limits, givingUp(what, 'unknown'))
    }
  }

  async #promote(member: ClusterMember, change: Change): Promise<ClusterMember> {
    const request = { ID: BigInt(member.id) }
    try {
      const { members } = await this.#remote.call(({ cluster }) => cluster.memberPromote(request, this.#call(change)))
      return this.#told(members, { ...member, role: 'voter' })
    } catch (error) {
      // Somebody else was a moment earlier.
      if (!isStoreError(error, 'NOT_A_LEARNER')) throw error
      return { ...member, role: 'voter' }
    }
  }

  async #remove({ id }: ClusterMember, change: Change): Promise<void> {
    const request = { ID: BigInt(id) }
    const { members } = await this.#remote.call(({ cluster }) => cluster.memberRemove(request, this.#call(change)))
    this.#remote.tellMembers(membersOf(members))
  }

  async #successor(members: readonly ClusterMember[], change: Change): Promise<ClusterMember> {
    await this.#remote.refresh(this.#call(change))
    const { leaderId } = this.#remote.known
    const found = members.find(({ id, role }) => role === 'voter' && id !== leaderId)
    if (found === undefined) throw new StoreError('TRANSFEREE_INVALID', 'There is no other voter that could lead.')
    return found
  }

  async #members(change: Change): Promise<readonly ClusterMember[]> {
    return (await this.#both(change)).members
  }

  async #both(
    change: Change,
  ): Promise<{ readonly members: readonly ClusterMember[]; readonly raw: readonly Member[] }> {
    const options = this.#call(change)
    const { members: raw } = await this.#remote.call(({ cluster }) =>
      cluster.memberList({ linearizable: true }, options),
    )
    return { members: this.#remote.tellMembers(membersOf(raw)), raw }
  }

  /** As it is listed, where the answer lists the members; older servers leave that out. */
  #told(members: readonly Member[], otherwise: ClusterMember): ClusterMember {
    if (members.length === 0) return otherwise
    return this.#remote.tellMembers(membersOf(members)).find(({ id }) => id === otherwise.id) ?? otherwise
  }

  #done(member: ClusterMember, { told }: Change): ClusterMember {
    told({ step: 'done', percent: 100 })
    return member
  }

  #change({ timeoutMs, signal, onProgress }: MemberChangeOptions, defaultMs?: number): Change {
    if (onProgress !== undefined && typeof onProgress !== 'function') {
      throw new TypeError(`onProgress must be a function, not ${kind(onProgress)}`)
    }
    this.#remote.check()
    const { waiting, settings } = this.#remote.client
    const told = (progress: MemberProgress): void => {
      try {
        onProgress?.(progress)
      } catch {
        // Whoever is told has no say.
      }
    }
    return { limits: waiting.limitsOf(timeoutMs ?? defaultMs ?? settings.timeoutMs, signal), told }
  }

  #call({ limits }: Change): CallOptions {
    return { signal: limits.signal, timeoutMs: Math.max(0, this.#remote.client.waiting.leftMs(limits)) }
  }
}

function select(members: readonly ClusterMember[], selection: MemberSelection): ClusterMember | undefined {
  return members.find(({ id, name }) => (typeof selection === 'string' ? name === selection : id === selection.id))
}

function notFound(selection: MemberSelection, members: readonly ClusterMember[]): StoreError {
  const whom = typeof selection === 'string' ? `called ${quote(selection)}` : `with the id ${selection.id}`
  const names = members.map(({ name }) => quote(name)).join(', ')
  return new StoreError('MEMBER_NOT_FOUND', `There is no member ${whom}; the members are ${names}.`)
}
