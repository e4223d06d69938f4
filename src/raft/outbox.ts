/**
 * Messages on their way out, and what holds them back.
 *
 * Whoever speaks in a term promises by it to have left all earlier terms, and a vote promises itself. A promise that a
 * crash can take back is none: so what is said waits until the term and vote it was said under are durable. Once they
 * are, nothing waits: a leader's appends leave while its own entries are still being written (thesis 10.2.1), which is
 * safe because its acknowledgement of them, unlike a message, is counted only when they are durable.
 *
 * Acceptances rest on entries too and are built when those are durable: append.ts.
 */
import type { Message } from './message.js'
import type { RaftState } from './state.js'

/** Sends once the term and vote of this moment are durable; at once if they are. */
export function send(state: RaftState, content: Message): void {
  const message = state.promises === 'kept' ? content : withoutPromise(state, content)
  if (hardStateIsDurable(state)) state.messages.push(message)
  else if (hardStateIsBeingWritten(state)) state.heldForWrite.push(message)
  else state.heldForNextWrite.push(message)
}

/** Sends what promises nothing: pre-votes, which ask or answer about a term that nobody has entered yet. */
export function sendAtOnce(state: RaftState, message: Message): void {
  state.messages.push(message)
}

export function hardStateIsDurable(state: RaftState): boolean {
  return state.durable.term === state.term && state.durable.vote === state.vote
}

/** The write under way has what was held for it; what waited for the next one belongs to the one that now begins. */
export function holdForBeginningWrite(state: RaftState): void {
  state.heldForWrite = state.heldForNextWrite
  state.heldForNextWrite = []
}

export function releaseHeld(state: RaftState): void {
  for (const message of state.heldForWrite) state.messages.push(message)
  state.heldForWrite = []
}

/** The term is over: nobody needs any more what was said in it. */
export function discardHeld(state: RaftState): void {
  state.heldForWrite = []
  state.heldForNextWrite = []
}

/** What a member that lost its promises says instead: promises.ts. */
function withoutPromise(state: RaftState, message: Message): Message {
  const { type, from, to, term } = message
  if (type !== 'append-accepted' && type !== 'append-rejected' && type !== 'heartbeat-reply') return message
  return { type: 'recovering', from, to, term, recoveryId: state.recoveryId, answer: message }
}

function hardStateIsBeingWritten(state: RaftState): boolean {
  const writing = state.write?.hardState
  return writing !== undefined && writing.term === state.term && writing.vote === state.vote
}
