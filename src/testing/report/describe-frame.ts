/** What a frame between members says, in words. */
import { isStoreError } from '../../base/errors.js'
import { decodeBook } from '../../member/wire/book-codec.js'
import { decodeCalls, decodeReplies, type Call, type Reply } from '../../member/wire/call-codec.js'
import { FRAME_KIND } from '../../member/wire/frame-kind.js'
import { decodeProposals } from '../../member/wire/proposal-codec.js'
import { decodeMessage } from '../../member/wire/raft-codec.js'
import { NOBODY, type Entry, type LogPosition } from '../../raft/types.js'
import type { Append, Message } from '../../raft/message.js'
import { describeMs } from './describe-time.js'

export interface FrameText {
  /** `append`, `vote-reply`, `propose`, ... */
  readonly type: string
  /** Of the sender; undefined for what is not of Raft. */
  readonly term: number | undefined
  /** The rest; may be empty. */
  readonly detail: string
}

/** Never throws: bytes that mean nothing are described as such. */
export function describeFrame(kind: number, bytes: Uint8Array | undefined): FrameText {
  if (bytes === undefined) return { type: kindName(kind), term: undefined, detail: '' }
  try {
    return decodeFrame(kind, bytes)
  } catch (error) {
    if (!isStoreError(error, 'MALFORMED')) throw error
    return { type: kindName(kind), term: undefined, detail: `${bytes.byteLength} bytes that do not decode` }
  }
}

function decodeFrame(kind: number, bytes: Uint8Array): FrameText {
  switch (kind) {
    case FRAME_KIND.raft: {
      const message = decodeMessage(bytes, 1, 2)
      return { type: message.type, term: message.term, detail: describeContent(message) }
    }
    case FRAME_KIND.propose: {
      const count = decodeProposals(bytes).length
      return { type: 'propose', term: undefined, detail: count === 1 ? '1 command' : `${count} commands` }
    }
    case FRAME_KIND.call:
      return { type: 'call', term: undefined, detail: decodeCalls(bytes).map(describeCall).join(', ') }
    case FRAME_KIND.reply:
      return { type: 'reply', term: undefined, detail: decodeReplies(bytes).map(describeReply).join(', ') }
    case FRAME_KIND.book: {
      const { type, index } = decodeBook(bytes)
      return { type: 'book', term: undefined, detail: `${type} of index ${index}` }
    }
    default:
      return { type: kindName(kind), term: undefined, detail: `${bytes.byteLength} bytes` }
  }
}

function describeContent(message: Message): string {
  switch (message.type) {
    case 'pre-vote':
      return `last ${at(message.lastIndex, message.lastTerm)}`
    case 'vote':
      return `last ${at(message.lastIndex, message.lastTerm)}${message.forced === true ? ', asked to by the leader' : ''}`
    case 'pre-vote-reply':
    case 'vote-reply':
      return message.granted ? 'granted' : 'refused'
    case 'append': {
      const after = { index: message.previousIndex, term: message.previousTerm }
      return `${describeEntries(message)} after ${position(after)}, commit ${message.commit}`
    }
    case 'append-accepted':
      return `up to ${message.matchIndex}`
    case 'append-rejected':
      return `not after ${message.previousIndex}, try ${at(message.hintIndex, message.hintTerm)}`
    case 'heartbeat':
      return message.round === 0 ? `commit ${message.commit}` : `commit ${message.commit}, round ${message.round}`
    case 'heartbeat-reply':
      return message.round === 0 ? '' : `round ${message.round}`
    case 'read-index':
      return `request ${message.requestId}`
    case 'read-index-reply':
      return `request ${message.requestId}: index ${message.index}`
    case 'timeout-now':
      return 'campaign at once'
    case 'recovering':
      return `${message.answer.type} ${describeContent(message.answer)}`
    case 'recovered':
      return `index ${message.index}`
  }
}

/** `5 entries 12..16`, with their terms where they are not the message's. */
function describeEntries({ entries, term }: Append): string {
  const first = entries[0]
  const last = entries[entries.length - 1]
  if (first === undefined || last === undefined) return 'nothing'
  const name = (entry: Entry): string => (entry.term === term ? `${entry.index}` : position(entry))
  return first === last ? `entry ${name(first)}` : `${entries.length} entries ${name(first)}..${name(last)}`
}

function describeCall({ id, request }: Call): string {
  switch (request.type) {
    case 'lease-keep-alive':
    case 'lease-time-to-live':
      return `${id}: ${request.type} ${request.lease}`
    case 'change-members':
      return `${id}: ${request.change.type} ${request.change.id}`
    case 'move-leader':
      return `${id}: ${request.type} to ${request.to === NOBODY ? 'the best' : request.to}`
    case 'members-status':
      return `${id}: ${request.type}`
  }
}

function describeReply({ id, response }: Reply): string {
  switch (response.type) {
    case 'refused':
      return `${id}: refused, ${response.code}`
    case 'lease':
      return `${id}: ${response.exists ? `lease with ${describeMs(response.remainingMs)} left` : 'no such lease'}`
    case 'members-changed':
      return `${id}: members changed, applied to ${response.index}`
    case 'leader-moved':
      return `${id}: ${response.leader} leads`
    case 'members-status':
      return `${id}: ${response.status.members.length} members`
  }
}

function position({ index, term }: LogPosition): string {
  return at(index, term)
}

function at(index: number, term: number): string {
  return `${index}@${term}`
}

function kindName(kind: number): string {
  const found = Object.entries(FRAME_KIND).find(([, number]) => number === kind)
  return found === undefined ? `kind ${kind}` : found[0]
}
