/**
 * The alarms of the cluster: that a member has no space left, that a member holds another state than the others.
 *
 * Part of the replicated state. While one is active, on whatever member, every member refuses the same requests (guard.ts):
 * what fits on one and not on another would let their states part.
 */
import { addDigest, EMPTY_DIGEST, hash64, removeDigest, type Digest } from '../base/checksum.js'
import { decodeStored, Writer } from '../base/codec.js'
import { StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'

export type AlarmType = 'no-space' | 'corrupt'

export interface Alarm {
  readonly alarm: AlarmType
  /** Whom it is about. */
  readonly member: number
}

/** Numbers on disk and in the log, etcd's: never reuse one. */
const NUMBERS: Readonly<Record<AlarmType, number>> = { 'no-space': 1, corrupt: 2 }

export function alarmNumber(alarm: AlarmType): number {
  return NUMBERS[alarm]
}

/** Undefined for a number that stands for none. */
export function alarmOfNumber(number: number): AlarmType | undefined {
  return number === NUMBERS['no-space'] ? 'no-space' : number === NUMBERS.corrupt ? 'corrupt' : undefined
}

export class Alarms {
  readonly #active = new Map<string, Alarm>()
  readonly #counts: Record<AlarmType, number> = { 'no-space': 0, corrupt: 0 }
  #digest: Digest = EMPTY_DIGEST

  /** The sum over all that are active. */
  get digest(): Digest {
    return this.#digest
  }

  get size(): number {
    return this.#active.size
  }

  /** Whether it was not active before. Throws `LIMIT_EXCEEDED`. */
  activate(alarm: Alarm): boolean {
    if (this.has(alarm)) return false
    if (this.#active.size >= LIMITS.alarmsMax) {
      throw new StoreError('LIMIT_EXCEEDED', `${LIMITS.alarmsMax} alarms are active already; disarm some of them.`)
    }
    this.#add(alarm)
    return true
  }

  /** Whether it was active. */
  deactivate(alarm: Alarm): boolean {
    if (!this.#active.delete(nameOf(alarm))) return false
    this.#counts[alarm.alarm]--
    this.#digest = removeDigest(this.#digest, hash64(encodeAlarm(alarm)))
    return true
  }

  has(alarm: Alarm): boolean {
    return this.#active.has(nameOf(alarm))
  }

  /** Whether it is active for any member. */
  isActive(alarm: AlarmType): boolean {
    return this.#counts[alarm] > 0
  }

  /** All that are active, by member and then in the order of their numbers. */
  list(): readonly Alarm[] {
    return [...this.#active.values()].sort((a, b) => a.member - b.member || NUMBERS[a.alarm] - NUMBERS[b.alarm])
  }

  /** Those that are about this member. */
  of(member: number): readonly Alarm[] {
    return this.list().filter((alarm) => alarm.member === member)
  }

  /** Takes up a record written before. Throws `DATA_DAMAGED`. */
  load(record: Uint8Array): Alarm {
    const alarm = decodeAlarm(record)
    this.#add(alarm)
    return alarm
  }

  #add(alarm: Alarm): void {
    this.#active.set(nameOf(alarm), alarm)
    this.#counts[alarm.alarm]++
    this.#digest = addDigest(this.#digest, hash64(encodeAlarm(alarm)))
  }
}

export function encodeAlarm({ alarm, member }: Alarm): Uint8Array {
  return new Writer(9).uint8(NUMBERS[alarm]).uint53(member).finish()
}

function decodeAlarm(record: Uint8Array): Alarm {
  return decodeStored(record, 'the record of an alarm', (reader) => {
    const number = reader.uint8()
    const alarm = alarmOfNumber(number)
    if (alarm === undefined) throw reader.malformed(`alarm ${number}`)
    return { alarm, member: reader.uint53() }
  })
}

function nameOf({ alarm, member }: Alarm): string {
  return `${alarm} ${member}`
}
