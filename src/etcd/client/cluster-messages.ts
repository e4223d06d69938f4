/** Members and alarms, between the contract and etcd's API. */
import type { ClusterMember } from '../../api/cluster.js'
import type { Alarm } from '../../api/maintenance.js'
import { memberIdOf } from '../../api/member-id.js'
import { AlarmType, type AlarmMember, type Member } from '../generated/rpc.js'

/** In the order of their names, as the contract has them. */
export function membersOf(members: readonly Member[]): readonly ClusterMember[] {
  return members.map(memberOf).sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
}

function memberOf({ ID, name, peerURLs, clientURLs, isLearner }: Member): ClusterMember {
  return {
    id: memberIdOf(ID),
    name,
    address: withoutScheme(peerURLs[0] ?? ''),
    role: isLearner ? 'learner' : 'voter',
    becomesVoter: false,
    clientUrls: clientURLs,
  }
}

const SCHEME = /^https?:\/\//

function withoutScheme(url: string): string {
  return url.replace(SCHEME, '')
}

/** As the others are reached, this one is: with TLS or without. */
export function peerUrlOf(address: string, members: readonly Member[]): string {
  if (SCHEME.test(address)) return address
  const withTls = members.some(({ peerURLs }) => peerURLs.some((url) => url.startsWith('https://')))
  return `${withTls ? 'https' : 'http'}://${address}`
}

export const ALARM_TYPES: Readonly<Record<Alarm['alarm'], AlarmType>> = {
  'no-space': AlarmType.NOSPACE,
  corrupt: AlarmType.CORRUPT,
}

/** By member, as the contract has them; of kinds that it has not, none. */
export function alarmsOf(alarms: readonly AlarmMember[]): readonly Alarm[] {
  return alarms.flatMap(({ memberID, alarm }): Alarm[] => {
    const memberId = memberIdOf(memberID)
    if (alarm === AlarmType.NOSPACE) return [{ alarm: 'no-space', memberId }]
    return alarm === AlarmType.CORRUPT ? [{ alarm: 'corrupt', memberId }] : []
  })
}
