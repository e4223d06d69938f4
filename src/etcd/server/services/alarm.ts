/** Alarms as etcd's clients list, raise and end them. */
import type { Alarm, AlarmType as StoreAlarmType } from '../../../api/maintenance.js'
import { StoreError } from '../../../base/errors.js'
import {
  AlarmRequest_AlarmAction,
  AlarmType,
  alarmTypeToJSON,
  type AlarmMember,
  type AlarmRequest,
  type AlarmResponse,
} from '../../generated/rpc.js'
import type { Face } from '../face.js'
import type { Call } from '../service.js'

const MESSAGE_TYPES: Readonly<Record<StoreAlarmType, AlarmType>> = {
  'no-space': AlarmType.NOSPACE,
  corrupt: AlarmType.CORRUPT,
}

/** Tells those that it is about: the active ones that were asked for, or the one that was raised or ended. */
export async function answerAlarm(face: Face, request: AlarmRequest, call: Call): Promise<AlarmResponse> {
  const alarms = await perform(face, request, call)
  return { header: face.header(), alarms: alarms.map(messageOf) }
}

/** As etcd lists it among the errors of a member: the text form of its message. */
export function describeAlarm(alarm: Alarm): string {
  return `memberID:${alarm.memberId} alarm:${alarmTypeToJSON(MESSAGE_TYPES[alarm.alarm])} `
}

async function perform(
  face: Face,
  { action, memberID, alarm: messageType }: AlarmRequest,
  { store: { maintenance }, signal }: Call,
): Promise<readonly Alarm[]> {
  const type = typeOf(messageType)
  if (action === AlarmRequest_AlarmAction.ACTIVATE && type !== undefined) {
    const raised = { alarm: type, memberId: memberOf(face, memberID) }
    await maintenance.raise(raised, { signal })
    return [raised]
  }
  const active = await maintenance.alarms({ signal })
  if (action === AlarmRequest_AlarmAction.GET) {
    return active.filter((each) => (type ?? each.alarm) === each.alarm && (memberID === 0n || isOf(each, memberID)))
  }
  if (action !== AlarmRequest_AlarmAction.DEACTIVATE) return []
  const ending = active.find((each) => each.alarm === type && isOf(each, memberID))
  return ending === undefined ? [] : maintenance.disarm(ending, { signal })
}

/** The member that an alarm is raised for; 0 is the one that is asked. Throws `MEMBER_NOT_FOUND`. */
function memberOf(face: Face, memberID: bigint): Alarm['memberId'] {
  const { memberId, members } = face.store.status()
  if (memberID === 0n) return memberId
  const found = members.find(({ id }) => BigInt(id) === memberID)
  if (found !== undefined) return found.id
  throw new StoreError('MEMBER_NOT_FOUND', `No member of the cluster has the id ${memberID}.`)
}

function isOf({ memberId }: Alarm, memberID: bigint): boolean {
  return BigInt(memberId) === memberID
}

/** Undefined: any, or none that there is. */
function typeOf(messageType: AlarmType): StoreAlarmType | undefined {
  if (messageType === AlarmType.NOSPACE) return 'no-space'
  return messageType === AlarmType.CORRUPT ? 'corrupt' : undefined
}

function messageOf({ alarm, memberId }: Alarm): AlarmMember {
  return { memberID: BigInt(memberId), alarm: MESSAGE_TYPES[alarm] }
}
