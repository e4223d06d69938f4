/** Maintenance over a member: what is replicated goes through the log, what concerns this member's disk is done here. */
import { AssertionError } from '../base/assert.js'
import { describeDigest } from '../base/checksum.js'
import { CALL_FIELDS } from '../api/check-call.js'
import { checkFields, type Fields } from '../api/check-fields.js'
import type {
  Alarm,
  AlarmSelection,
  AlarmType,
  HashOptions,
  HashResult,
  Maintenance,
  Sizes,
  SnapshotOptions,
  StateDigest,
} from '../api/maintenance.js'
import type { CallOptions } from '../api/store.js'
import type { Alarm as AlarmRecord } from '../machine/alarms.js'
import { MEMBER } from '../machine/identity.js'
import type { CallLimits } from '../member/deadlines.js'
import type { Member } from '../member/member.js'
import { validateRevision } from '../mvcc/validate.js'
import { snapshotOf } from './embedded-snapshot.js'

const ALARM_FIELDS: Fields<Alarm> = { alarm: true, memberId: true }
const HASH_CALL: Fields<HashOptions> = { revision: true, ...CALL_FIELDS }
const ALARM_TYPES: Readonly<Record<AlarmType, true>> = { 'no-space': true, corrupt: true }

export class EmbeddedMaintenance implements Maintenance {
  readonly #member: Member
  readonly #limits: (call: CallOptions) => CallLimits
  readonly #memberIds: readonly number[]

  constructor(member: Member, limits: (call: CallOptions) => CallLimits, memberIds: readonly number[]) {
    this.#member = member
    this.#limits = (call) => {
      checkFields(call, CALL_FIELDS, 'a call of maintenance')
      return limits(call)
    }
    this.#memberIds = memberIds
  }

  async alarms(call: CallOptions = {}): Promise<readonly Alarm[]> {
    await this.#member.confirmRead(this.#limits(call))
    return this.#member.alarms.map(alarmOf)
  }

  async raise(alarm: Alarm, call: CallOptions = {}): Promise<void> {
    checkFields(alarm, ALARM_FIELDS, 'raise()')
    checkAlarmType(alarm.alarm)
    this.#checkMember(alarm.memberId)
    const about = { alarm: alarm.alarm, member: alarm.memberId }
    await this.#member.propose({ type: 'alarm', action: 'activate', ...about }, MEMBER, this.#limits(call))
  }

  async disarm(selection: AlarmSelection = {}, call: CallOptions = {}): Promise<readonly Alarm[]> {
    checkFields(selection, ALARM_FIELDS, 'disarm()')
    const { alarm, memberId } = selection
    if (alarm !== undefined) checkAlarmType(alarm)
    if (memberId !== undefined) checkMemberId(memberId)
    const limits = this.#limits(call)
    await this.#member.confirmRead(limits)
    const selected = this.#member.alarms.filter(
      (active) => (alarm ?? active.alarm) === active.alarm && (memberId ?? active.member) === active.member,
    )
    const ended = await Promise.all(selected.map((active) => this.#disarm(active, limits)))
    return ended.flat().map(alarmOf)
  }

  async check(call: CallOptions = {}): Promise<StateDigest> {
    const { response } = await this.#member.propose({ type: 'check' }, MEMBER, this.#limits(call))
    if (response.type !== 'check') throw new AssertionError(`a check was answered with a ${response.type}`)
    return { index: response.index, digest: describeDigest(response.digest) }
  }

  async defragment(): Promise<void> {
    await this.#member.defragment()
  }

  async sizes(): Promise<Sizes> {
    const { quotaBytes, sizeInUseBytes } = this.#member.status
    return { quotaBytes, sizeInUseBytes, diskBytes: await this.#member.diskBytes() }
  }

  snapshot(options?: SnapshotOptions): AsyncIterable<Uint8Array> {
    return snapshotOf(this.#member, options)
  }

  async hash(options: HashOptions = {}): Promise<HashResult> {
    checkFields(options, HASH_CALL, 'hash()')
    const { revision = 0, ...call } = options
    validateRevision(revision)
    return this.#member.hash(revision, this.#limits(call))
  }

  async #disarm({ alarm, member }: AlarmRecord, limits: CallLimits): Promise<readonly AlarmRecord[]> {
    const { response } = await this.#member.propose(
      { type: 'alarm', action: 'deactivate', alarm, member },
      MEMBER,
      limits,
    )
    if (response.type !== 'alarm') throw new AssertionError(`an alarm was answered with a ${response.type}`)
    return response.alarms
  }

  #checkMember(memberId: number): void {
    checkMemberId(memberId)
    if (!this.#memberIds.includes(memberId)) throw new RangeError(`no member of the cluster has the id ${memberId}`)
  }
}

export function alarmOf({ alarm, member }: AlarmRecord): Alarm {
  return { alarm, memberId: member }
}

function checkAlarmType(alarm: unknown): void {
  if (typeof alarm === 'string' && Object.hasOwn(ALARM_TYPES, alarm)) return
  throw new TypeError(`alarm must be 'no-space' or 'corrupt', not ${String(alarm)}`)
}

function checkMemberId(memberId: unknown): void {
  if (typeof memberId !== 'number') throw new TypeError(`memberId must be a number, not ${typeof memberId}`)
}
