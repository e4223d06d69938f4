/** Maintenance over etcd's API: of the cluster, and of the member that is asked. */
import { keyOf, type BytesLike } from '../../base/bytes.js'
import { StoreError } from '../../base/errors.js'
import { LIMITS } from '../../base/limits.js'
import { CALL_FIELDS, checkSignal } from '../../api/check-call.js'
import { checkFields, type Fields } from '../../api/check-fields.js'
import { checkPrefixLimits } from '../../api/check-prefix-limits.js'
import { rangeOf, type Selection } from '../../api/key-value.js'
import type {
  Alarm,
  AlarmSelection,
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
} from '../../api/maintenance.js'
import { checkMemberId } from '../../api/member-id.js'
import type { CallOptions } from '../../api/store.js'
import { AlarmRequest_AlarmAction } from '../generated/rpc.js'
import { numberOf } from '../wire/numbers.js'
import { ALARM_TYPES, alarmsOf } from './cluster-messages.js'
import { notSupported } from './not-supported.js'
import type { Remote } from './remote.js'
import { checkKey, checkRevision, rangeMessage } from './requests.js'
import { revisionOf } from './responses.js'

const ALARM_FIELDS: Fields<Alarm> = { alarm: true, memberId: true }
const HASH_CALL: Fields<HashOptions> = { ...CALL_FIELDS, revision: true }
const STATISTICS_CALL: Fields<StatisticsOptions> = { ...CALL_FIELDS, revision: true }
const SNAPSHOT_FIELDS: Fields<SnapshotOptions> = { signal: true }

export class RemoteMaintenance implements Maintenance {
  readonly #remote: Remote

  constructor(remote: Remote) {
    this.#remote = remote
  }

  async alarms(call: CallOptions = {}): Promise<readonly Alarm[]> {
    checkFields(call, CALL_FIELDS, 'alarms()')
    return this.#remote.alarms(call)
  }

  async raise(alarm: Alarm, call: CallOptions = {}): Promise<void> {
    checkFields(alarm, ALARM_FIELDS, 'raise()')
    checkFields(call, CALL_FIELDS, 'raise()')
    checkAlarmType(alarm.alarm)
    checkMemberId(alarm.memberId, 'memberId')
    const members = await this.#remote.members(false, call)
    if (!members.some(({ id }) => id === alarm.memberId)) {
      throw new RangeError(`no member of the cluster has the id ${alarm.memberId}`)
    }
    await this.#change(AlarmRequest_AlarmAction.ACTIVATE, alarm, call)
    await this.#remote.alarms(call)
  }

  async disarm(selection: AlarmSelection = {}, call: CallOptions = {}): Promise<readonly Alarm[]> {
    checkFields(selection, ALARM_FIELDS, 'disarm()')
    checkFields(call, CALL_FIELDS, 'disarm()')
    const { alarm, memberId } = selection
    if (alarm !== undefined) checkAlarmType(alarm)
    if (memberId !== undefined) checkMemberId(memberId, 'memberId')
    const selected = (await this.#remote.alarms(call)).filter(
      (active) => (alarm ?? active.alarm) === active.alarm && (memberId ?? active.memberId) === active.memberId,
    )
    const ended: Alarm[] = []
    for (const each of selected) ended.push(...(await this.#change(AlarmRequest_AlarmAction.DEACTIVATE, each, call)))
    await this.#remote.alarms(call)
    return ended
  }

  async check(_call?: CallOptions): Promise<StateDigest> {
    throw notSupported('maintenance.check()')
  }

  async defragment(): Promise<void> {
    // It takes as long as there is data.
    await this.#remote.call(({ maintenance }) => maintenance.defragment({}, { timeoutMs: Infinity }))
  }

  async sizes(): Promise<Sizes> {
    const status = await this.#remote.call(({ maintenance }) => maintenance.status({}))
    this.#remote.known.tellStatus(status)
    const { quotaBytes, sizeInUseBytes } = this.#remote.known.status
    return { quotaBytes, sizeInUseBytes, diskBytes: numberOf(status.dbSize) }
  }

  snapshot(options: SnapshotOptions = {}): AsyncIterable<Uint8Array> {
    checkFields(options, SNAPSHOT_FIELDS, 'snapshot()')
    checkSignal(options.signal)
    this.#remote.check()
    return this.#pieces(options)
  }

  async hash(options: HashOptions = {}): Promise<HashResult> {
    checkFields(options, HASH_CALL, 'hash()')
    const { revision = 0, ...call } = options
    checkRevision(revision)
    const request = { revision: BigInt(revision) }
    const response = await this.#remote.call(({ maintenance }) => maintenance.hashKv(request, call))
    const { hash, compact_revision, hash_revision, header } = response
    return {
      hash: hash.toString(16).padStart(HASH_DIGITS, '0'),
      // Servers before 3.6 do not say up to where; it is what was asked for.
      revision: numberOf(hash_revision) || revision || revisionOf(header),
      compactRevision: Math.max(0, numberOf(compact_revision)),
    }
  }

  /** Counted here, page by page of what is there at one revision. */
  async statistics(selection: Selection, options: StatisticsOptions = {}): Promise<Statistics> {
    checkFields(options, STATISTICS_CALL, 'statistics()')
    const { revision: asked, ...call } = options
    const { key, rangeEnd } = rangeOf(selection)
    checkKey(key)
    const waiting = this.#remote.client.waiting
    const limits = waiting.limitsOf(call.timeoutMs ?? this.#remote.client.settings.timeoutMs, call.signal)
    let [keys, bytes, from, revision] = [0, 0, key, asked]
    for (;;) {
      const range = { type: 'range', key: from, rangeEnd, revision, limit: LIMITS.viewPageKeys } as const
      const page = { signal: call.signal, timeoutMs: Math.max(0, waiting.leftMs(limits)) }
      const { header, kvs, more } = await this.#remote.call(({ kv }) => kv.range(rangeMessage(range, false), page))
      revision ??= revisionOf(header)
      keys += kvs.length
      for (const { key, value } of kvs) bytes += key.length + value.length
      const last = kvs.at(-1)
      if (!more || last === undefined) return { keys, bytes, revision }
      from = `${keyOf(last.key)}\0`
    }
  }

  async setPrefixQuota(prefix: BytesLike, limits: PrefixLimits | undefined, _call?: CallOptions): Promise<void> {
    keyOf(prefix, 'prefix')
    if (limits !== undefined) checkPrefixLimits(limits)
    throw notSupported('maintenance.setPrefixQuota()')
  }

  async prefixQuotas(_call?: CallOptions): Promise<readonly PrefixQuota[]> {
    throw notSupported('maintenance.prefixQuotas()')
  }

  async *#pieces({ signal }: SnapshotOptions): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const { blob } of this.#remote.client.maintenance.snapshot({}, { signal })) {
      if (blob.length > 0) yield new Uint8Array(blob)
    }
    if (signal?.aborted === true) {
      throw new StoreError('ABORTED', 'The signal was aborted before the snapshot was complete.', {
        cause: signal.reason,
      })
    }
  }

  async #change(
    action: AlarmRequest_AlarmAction,
    { alarm, memberId }: Alarm,
    call: CallOptions,
  ): Promise<readonly Alarm[]> {
    const request = { action, alarm: ALARM_TYPES[alarm], memberID: BigInt(memberId) }
    return alarmsOf((await this.#remote.call(({ maintenance }) => maintenance.alarm(request, call))).alarms)
  }
}

/** etcd's hashes have half of them. */
const HASH_DIGITS = 16

function checkAlarmType(alarm: unknown): void {
  if (typeof alarm === 'string' && Object.hasOwn(ALARM_TYPES, alarm)) return
  throw new TypeError(`alarm must be 'no-space' or 'corrupt', not ${String(alarm)}`)
}
