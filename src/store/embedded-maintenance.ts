/** Maintenance over a member: what is replicated goes through the log, what concerns this member's disk is done here. */
import { AssertionError } from '../base/assert.js'
import { keyBytes, keyOf, type BytesLike } from '../base/bytes.js'
import { describeDigest } from '../base/checksum.js'
import { CALL_FIELDS } from '../api/check-call.js'
import { checkPrefixLimits } from '../api/check-prefix-limits.js'
import { checkFields, type Fields } from '../api/check-fields.js'
import { rangeOf, type Selection } from '../api/key-value.js'
import { checkMemberId, type MemberId } from '../api/member-id.js'
import type {
  Alarm,
  AlarmSelection,
  AlarmType,
  HashOptions,
  HashResult,
  Maintenance,
  PrefixLimits,
  PrefixQuota,
  Sizes,
  SnapshotOptions,
  StateDigest,
  Statistics,
  StatisticsOptions,
} from '../api/maintenance.js'
import type { CallOptions } from '../api/store.js'
import type { Alarm as AlarmRecord } from '../machine/alarms.js'
import type { Identity } from '../machine/identity.js'
import type { CallLimits } from '../member/deadlines.js'
import type { Member } from '../member/member.js'
import { snapshotOf } from './embedded-snapshot.js'
import type { Caller } from './caller.js'
import type { PrefixQuota as PrefixQuotaRecord } from '../mvcc/prefix-quotas.js'
import { validateKeys, validateRevision } from '../mvcc/validate.js'

const ALARM_FIELDS: Fields<Alarm> = { alarm: true, memberId: true }
const HASH_CALL: Fields<HashOptions> = { revision: true, ...CALL_FIELDS }
const STATISTICS_FIELDS: Fields<StatisticsOptions> = { revision: true, ...CALL_FIELDS }
const ALARM_TYPES: Readonly<Record<AlarmType, true>> = { 'no-space': true, corrupt: true }

export class EmbeddedMaintenance implements Maintenance {
  readonly #member: Member
  readonly #caller: Caller
  readonly #limits: (call: CallOptions) => CallLimits

  constructor(member: Member, caller: Caller, limits: (call: CallOptions) => CallLimits) {
    this.#member = member
    this.#caller = caller
    this.#limits = (call) => {
      checkFields(call, CALL_FIELDS, 'a call of maintenance')
      return limits(call)
    }
  }

  async alarms(call: CallOptions = {}): Promise<readonly Alarm[]> {
    const limits = this.#limits(call)
    return this.#caller.perform(limits, async (identity) => (await this.#active(identity, limits)).map(alarmOf))
  }

  async raise(alarm: Alarm, call: CallOptions = {}): Promise<void> {
    checkFields(alarm, ALARM_FIELDS, 'raise()')
    checkAlarmType(alarm.alarm)
    const about = { alarm: alarm.alarm, member: this.#memberOf(alarm.memberId) }
    const limits = this.#limits(call)
    await this.#caller.perform(limits, (identity) => {
      return this.#member.propose({ type: 'alarm', action: 'activate', ...about }, identity, limits)
    })
  }

  async disarm(selection: AlarmSelection = {}, call: CallOptions = {}): Promise<readonly Alarm[]> {
    checkFields(selection, ALARM_FIELDS, 'disarm()')
    const { alarm, memberId } = selection
    if (alarm !== undefined) checkAlarmType(alarm)
    if (memberId !== undefined) checkMemberId(memberId, 'memberId')
    const limits = this.#limits(call)
    return this.#caller.perform(limits, async (identity) => {
      const selected = (await this.#active(identity, limits)).filter(
        (active) => (alarm ?? active.alarm) === active.alarm && (memberId ?? active.member) === active.member,
      )
      const ended = await Promise.all(selected.map((active) => this.#disarm(active, identity, limits)))
      return ended.flat().map(alarmOf)
    })
  }

  async check(call: CallOptions = {}): Promise<StateDigest> {
    const limits = this.#limits(call)
    const { response } = await this.#caller.perform(limits, (identity) => {
      return this.#member.propose({ type: 'check' }, identity, limits)
    })
    if (response.type !== 'check') throw new AssertionError(`a check was answered with a ${response.type}`)
    return { index: response.index, digest: describeDigest(response.digest) }
  }

  async defragment(): Promise<void> {
    await this.#caller.checkHere({ type: 'defragment' })
    await this.#member.upkeep.defragment()
  }

  async sizes(): Promise<Sizes> {
    await this.#caller.checkHere({ type: 'status' })
    const { quotaBytes, sizeInUseBytes } = this.#member.status
    return { quotaBytes, sizeInUseBytes, diskBytes: await this.#member.upkeep.diskBytes() }
  }

  snapshot(options?: SnapshotOptions): AsyncIterable<Uint8Array> {
    return snapshotOf(this.#member, this.#caller, options)
  }

  async hash(options: HashOptions = {}): Promise<HashResult> {
    checkFields(options, HASH_CALL, 'hash()')
    const { revision = 0, ...call } = options
    validateRevision(revision)
    const limits = this.#limits(call)
    await this.#caller.checkHere({ type: 'hash' })
    return this.#member.upkeep.hash(revision, limits)
  }

  async statistics(selection: Selection, options: StatisticsOptions = {}): Promise<Statistics> {
    checkFields(options, STATISTICS_FIELDS, 'statistics()')
    const { revision = 0, ...call } = options
    const range = rangeOf(selection)
    validateRevision(revision)
    validateKeys(range.key, range.rangeEnd)
    const limits = this.#limits(call)
    return this.#caller.perform(limits, async (identity) => {
      await this.#member.confirmRead(limits)
      return this.#member.upkeep.statistics(range, revision, identity, limits)
    })
  }

  async setPrefixQuota(prefix: BytesLike, limits: PrefixLimits | undefined, call: CallOptions = {}): Promise<void> {
    const key = keyOf(prefix, 'prefix')
    const request = {
      type: 'prefix-quota',
      prefix: key,
      limits: limits === undefined ? undefined : checkPrefixLimits(limits),
    } as const
    const within = this.#limits(call)
    const isCounting = ({ prefix, countedTo }: PrefixQuotaRecord): boolean => prefix === key && countedTo !== undefined
    await this.#caller.perform(within, async (identity) => {
      // Each time some more of the keys are counted.
      do await this.#member.propose(request, identity, within)
      while (this.#member.upkeep.prefixQuotas(identity).some(isCounting))
    })
  }

  async prefixQuotas(call: CallOptions = {}): Promise<readonly PrefixQuota[]> {
    const limits = this.#limits(call)
    return this.#caller.perform(limits, async (identity) => {
      await this.#member.confirmRead(limits)
      return this.#member.upkeep.prefixQuotas(identity).map(prefixQuotaOf)
    })
  }

  async #active(identity: Identity, limits: CallLimits): Promise<readonly AlarmRecord[]> {
    await this.#member.confirmRead(limits)
    this.#member.authorize(identity, { type: 'alarm-list' })
    return this.#member.upkeep.alarms
  }

  async #disarm(
    { alarm, member }: AlarmRecord,
    identity: Identity,
    limits: CallLimits,
  ): Promise<readonly AlarmRecord[]> {
    const request = { type: 'alarm', action: 'deactivate', alarm, member } as const
    const { response } = await this.#member.propose(request, identity, limits)
    if (response.type !== 'alarm') throw new AssertionError(`an alarm was answered with a ${response.type}`)
    return response.alarms
  }

  #memberOf(memberId: MemberId): number {
    checkMemberId(memberId, 'memberId')
    const member = this.#member.addressBook.members.find(({ id }) => id === memberId)
    if (member === undefined) throw new RangeError(`no member of the cluster has the id ${memberId}`)
    return member.id
  }
}

export function alarmOf({ alarm, member }: AlarmRecord): Alarm {
  return { alarm, memberId: member }
}

function checkAlarmType(alarm: unknown): void {
  if (typeof alarm === 'string' && Object.hasOwn(ALARM_TYPES, alarm)) return
  throw new TypeError(`alarm must be 'no-space' or 'corrupt', not ${String(alarm)}`)
}

function prefixQuotaOf({ prefix, countedTo, ...quota }: PrefixQuotaRecord): PrefixQuota {
  return { prefix: keyBytes(prefix), ...quota, counted: countedTo === undefined }
}
