/** What a member says of its work, in words. */
import { assertNever } from '../../base/assert.js'
import type { MemberEvent } from '../../member/event.js'
import type { LogPosition, NodeId } from '../../raft/types.js'
import { describeMs } from './describe-time.js'

type Told = Exclude<MemberEvent, { readonly type: 'decided' }>

/** Undefined for what other events tell already: messages are told by the network, turns of the loop by what is done in them. */
export function describeMemberEvent(event: Told, names: ReadonlyMap<NodeId, string>): string | undefined {
  switch (event.type) {
    case 'turned':
    case 'message-sent':
    case 'message-received':
      return undefined
    case 'recovered':
      return `life ${event.incarnation}, applied ${at(event.applied)}, revision ${event.revision}`
    case 'failed':
      return event.error.message
    case 'closed':
    case 'removed':
    case 'leases-given-up':
      return ''
    case 'stalled':
      return `${describeMs(event.lateMs)} late`
    case 'write-begun':
    case 'write-durable': {
      const { id, entries, hardState } = event.write
      const first = entries[0]
      const last = entries[entries.length - 1]
      const range = first === undefined || last === undefined ? 'no entries' : `entries ${first.index}..${last.index}`
      return `write ${id}: ${range}, t${hardState.term}, vote ${nameOf(hardState.vote)}`
    }
    case 'proposed':
      return `${commands(event.commands)} to ${nameOf(event.to)}${event.taken ? '' : ', not taken'}`
    case 'forwarded':
      return `${commands(event.commands)} from ${nameOf(event.from)}`
    case 'read-asked':
    case 'read-dropped':
      return `request ${event.requestId}`
    case 'read-confirmed':
      return `request ${event.requestId} at ${event.index}`
    case 'applied':
      return `${at(event.entry)}, revision ${event.revision}`
    case 'answered': {
      const proposal = `${nameOf(event.proposal.member)} ${event.proposal.incarnation}.${event.proposal.sequence}`
      return `proposal ${proposal}: ${event.ok ? `ok, revision ${event.revision}` : 'refused'}`
    }
    case 'ranged': {
      const when =
        event.revision === 0 ? `at ${event.currentRevision}` : `at ${event.revision} of ${event.currentRevision}`
      return event.refused === undefined ? when : `${when}, refused: ${event.refused}`
    }
    case 'state-write-begun':
      return `${at(event.position)}, revision ${event.revision}`
    case 'verified':
      return `state at ${event.index} ${event.agrees ? 'is that of the leader' : 'differs from that of the leader'}`
    case 'state-install-begun':
      return `that of another member at ${at(event.position)}; the log ${event.log === 'stays' ? 'stays' : 'begins behind it'}`
    case 'state-adopted':
      return `${at(event.position)}, revision ${event.revision}`
    case 'state-durable':
      return at(event.position)
    case 'scrubbed':
      return `${count(event.records, 'record')} on disk, all whole`
    case 'damage-found':
      return event.error.message
    case 'log-trimmed':
      return `to ${at(event.to)}`
    case 'leases-taken-over':
      return event.extensionMs === 0 ? '' : `each lives ${describeMs(event.extensionMs)} longer`
    case 'lease-granted':
      return `${event.lease}: ${describeMs(event.ttlMs)}`
    case 'lease-asked':
      return `${event.lease}`
    case 'lease-renewed':
      return `${event.lease}: ${describeMs(event.remainingMs)} of ${describeMs(event.ttlMs)} left`
    case 'leases-checkpointed':
      return event.checkpoints.map(({ id, remainingMs }) => `${id}: ${describeMs(remainingMs)}`).join(', ')
    case 'leases-expired':
      return event.leases.join(', ')
    case 'watch-opened': {
      const from = event.startRevision === 0 ? 'the next revision' : `revision ${event.startRevision}`
      return `watch ${event.watch} from ${from}, now at ${event.currentRevision}`
    }
    case 'watch-delivered':
      return `watch ${event.watch}: ${count(event.batch.events.length, 'event')} to revision ${event.batch.revision}`
    case 'watch-progress':
      return `watch ${event.watch} at ${event.revision}${event.requested ? ', as it was asked' : ''}`
    case 'watch-ended':
      return `watch ${event.watch} at ${event.revision}${event.failure === undefined ? '' : `: ${event.failure}`}`
    default:
      return assertNever(event, 'event of a member')
  }

  function nameOf(id: NodeId): string {
    return id === 0 ? 'nobody' : (names.get(id) ?? String(id))
  }
}

function at({ index, term }: LogPosition): string {
  return `${index}@${term}`
}

function commands(number: number): string {
  return count(number, 'command')
}

function count(number: number, what: string): string {
  return number === 1 ? `1 ${what}` : `${number} ${what}s`
}
