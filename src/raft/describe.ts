/**
 * One line for an entry, a message, an event, an output, a follower: for transcripts, logs and failure reports.
 *
 * A position is written `index@term`. What is usual is left out.
 */
import { describeConfiguration } from './configuration.js'
import type { Message } from './message.js'
import type { FollowerStatus, Ready, Status } from './ready.js'
import type { RaftEvent } from './trace.js'
import type { Entry, LogPosition, NodeId } from './types.js'

/** `7@2 "a=1"`; bytes that are not plain text are only counted. */
export function describeEntry(entry: Entry): string {
  const position = `${entry.index}@${entry.term}`
  return entry.kind === 'normal' ? `${position} ${describeData(entry.data)}` : `${position} ${entry.kind}`
}

/** `1 → 2  append  t2  previous 4@1  commit 4  entries 5..6` */
export function describeMessage(message: Message): string {
  return line(`${message.from} → ${message.to}`, message.type, `t${message.term}`, describeContent(message))
}

/** `3  vote-granted  t2  to 1` */
export function describeEvent(event: RaftEvent): string {
  return line(`${event.node}`, event.type, describeDetail(event))
}

/** Everything one output says, a line for each part; nothing for an empty one. */
export function describeReady(id: NodeId, ready: Ready): string[] {
  const lines: string[] = []
  const { write } = ready
  if (write !== undefined) {
    const { term, vote } = write.hardState
    lines.push(line(`${id}`, `write ${write.id}`, `t${term} vote ${vote}`, describeRange(write.entries)))
  }
  const { restore } = ready
  if (restore !== undefined) {
    const { term, vote } = restore.hardState
    lines.push(line(`${id}`, `restore ${restore.writeId}`, `t${term} vote ${vote}`, describePosition(restore.position)))
  }
  for (const message of ready.messages) lines.push(describeMessage(message))
  if (ready.committed.length > 0) lines.push(line(`${id}`, 'apply', describeRange(ready.committed)))
  for (const read of ready.reads) lines.push(line(`${id}`, `read ${read.requestId}`, `at ${read.index}`))
  for (const requestId of ready.droppedReads) lines.push(line(`${id}`, `read ${requestId}`, 'dropped'))
  for (const { to, minimumIndex } of ready.snapshots) {
    lines.push(line(`${id}`, `snapshot to ${to}`, `minimum ${minimumIndex}`))
  }
  return lines
}

/** `2  replicate  match 7  next 9` */
export function describeProgress(follower: FollowerStatus): string {
  const { id, state, matchIndex, nextIndex, recovering } = follower
  return line(`${id}`, state, `match ${matchIndex}`, `next ${nextIndex}`, recovering ? 'recovering' : '')
}

/** `1  leader  t2  log 1..7  durable 6  commit 5` */
export function describeStatus(status: Status): string {
  const follows = status.role === 'leader' || status.leader === 0 ? '' : `of ${status.leader}`
  const log = `log ${status.firstIndex}..${status.lastIndex}`
  const durable = status.durableIndex < status.lastIndex ? `durable ${status.durableIndex}` : ''
  const transfer = status.transferringTo === 0 ? '' : `transferring to ${status.transferringTo}`
  const promises = status.promises === 'lost' ? 'promises lost' : ''
  const commit = `commit ${status.commitIndex}`
  return line(`${status.id}`, status.role, follows, `t${status.term}`, log, durable, commit, transfer, promises)
}

function describeContent(message: Message): string {
  switch (message.type) {
    case 'pre-vote':
      return `last ${message.lastIndex}@${message.lastTerm}`
    case 'vote':
      return line(`last ${message.lastIndex}@${message.lastTerm}`, message.forced === true ? 'forced' : '')
    case 'pre-vote-reply':
    case 'vote-reply':
      return message.granted ? 'granted' : 'refused'
    case 'append': {
      const previous = `previous ${message.previousIndex}@${message.previousTerm}`
      return line(previous, `commit ${message.commit}`, describeRange(message.entries))
    }
    case 'append-accepted':
      return `match ${message.matchIndex}`
    case 'append-rejected':
      return line(`previous ${message.previousIndex}`, `hint ${message.hintIndex}@${message.hintTerm}`)
    case 'heartbeat':
      return line(`round ${message.round}`, `commit ${message.commit}`)
    case 'heartbeat-reply':
      return `round ${message.round}`
    case 'read-index':
    case 'timeout-now':
      return ''
    case 'recovering':
      return line(message.answer.type, describeContent(message.answer))
    case 'recovered':
      return `index ${message.index}`
    case 'read-index-reply':
      return `index ${message.index}`
  }
}

function describeDetail(event: RaftEvent): string {
  switch (event.type) {
    case 'became-follower':
    case 'leader-changed':
      return line(`t${event.term}`, event.leader === 0 ? 'no leader' : `leader ${event.leader}`)
    case 'became-pre-candidate':
    case 'became-candidate':
    case 'campaign-postponed':
    case 'election-lost':
      return `t${event.term}`
    case 'became-leader':
      return line(`t${event.term}`, `last ${event.lastIndex}`)
    case 'quorum-lost':
      return line(`t${event.term}`, `last heard at ${event.lastContactMs} ms`)
    case 'pre-vote-granted':
    case 'vote-granted':
      return line(`t${event.term}`, `to ${event.to}`)
    case 'pre-vote-refused':
    case 'vote-refused':
      return line(`t${event.term}`, `to ${event.to}`, event.reason)
    case 'append-rejected':
      return line(`previous ${describePosition(event.previous)}`, `hint ${describePosition(event.hint)}`)
    case 'log-truncated':
      return `${event.from}..${event.lastIndex}`
    case 'log-compacted':
    case 'commit-advanced':
      return `to ${event.index}`
    case 'write-durable':
      return line(`write ${event.write}`, `durable ${event.durableIndex}`)
    case 'progress-probe':
    case 'progress-replicate':
      return line(`follower ${event.follower}`, `next ${event.nextIndex}`)
    case 'progress-snapshot':
      return line(`follower ${event.follower}`, `compacted ${event.compactedIndex}`)
    case 'snapshot-requested':
      return line(`follower ${event.follower}`, `minimum ${event.minimumIndex}`)
    case 'snapshot-sent':
      return line(`follower ${event.follower}`, describePosition(event.position))
    case 'snapshot-failed':
      return `follower ${event.follower}`
    case 'snapshot-accepted':
      return line(describePosition(event.position), `from ${event.from}`)
    case 'snapshot-refused':
      return line(describePosition(event.position), `from ${event.from}`, event.reason)
    case 'snapshot-restored':
      return describePosition(event.position)
    case 'recovery-started':
      return line(`follower ${event.follower}`, `barrier ${event.barrierIndex}`)
    case 'promises-restored':
      return line(`t${event.term}`, `at ${event.index}`)
    case 'follower-asked-again':
      return line(`follower ${event.follower}`, `previous ${event.previousIndex}`)
    case 'proposal-refused':
      return line(event.reason, `count ${event.count}`)
    case 'read-round-started':
    case 'read-round-confirmed':
      return line(`round ${event.round}`, `index ${event.index}`, `count ${event.count}`)
    case 'configuration-adopted':
      return line(`at ${event.index}`, describeConfiguration(event.configuration))
    case 'configuration-rolled-back':
      return line(`from ${event.index}`, describeConfiguration(event.configuration))
    case 'configuration-refused':
    case 'transfer-refused':
      return event.reason
    case 'leader-removed':
      return `t${event.term}`
    case 'transfer-started':
    case 'transfer-aborted':
    case 'told-to-campaign':
      return `to ${event.to}`
    case 'reads-dropped':
      return `count ${event.count}`
    case 'message-ignored':
      return line(`${event.message} from ${event.from}`, `t${event.term}`, event.reason)
  }
}

function describePosition(position: LogPosition): string {
  return `${position.index}@${position.term}`
}

function describeRange(entries: readonly Entry[]): string {
  const first = entries[0]
  const last = entries[entries.length - 1]
  if (first === undefined || last === undefined) return ''
  return first === last
    ? `entry ${first.index}@${first.term}`
    : `entries ${first.index}@${first.term}..${last.index}@${last.term}`
}

function describeData(data: Uint8Array): string {
  const plain = data.every((byte) => byte >= 0x20 && byte < 0x7f)
  return plain && data.length <= 32 ? `"${String.fromCharCode(...data)}"` : `${data.length} bytes`
}

function line(...parts: string[]): string {
  return parts.filter((part) => part !== '').join('  ')
}
