/**
 * Reads that a leader answers by its clock alone, without asking anybody (thesis 6.4.1).
 *
 * A follower that hears a heartbeat neither campaigns nor votes for anybody else for an election timeout by its own clock,
 * and after a restart for as long again (`grantsVotesFromMs`). So once a quorum has answered a round of heartbeats, no
 * other leader is elected, and nothing is committed that we do not know of, for an election timeout from when that round
 * was *sent*: any of them may have heard it at that very moment, while the answer took its time.
 *
 * The clocks may run at different speeds, each within (1 - d) and (1 + d) of true time, d = `clockDriftMax`. A follower
 * keeps still for electionTimeout / (1 + d) of true time at least, and what we measure as x is x / (1 - d) at most: so
 *
 *     the lease lasts    electionTimeout * (1 - d) / (1 + d)    by our clock.
 *
 * What a pause does: nothing. A lease is a point in time and not a count, so a process that slept through it finds it
 * over. That the pause falls between the reading of the clock and the answer does no harm either: the read takes place at
 * the time that was read, which lies between the question and the answer. (Hence: read the clock *after* the question
 * came in.) What a pause cannot be told from is a clock that stood still, as Linux's monotonic one does in suspend: then
 * the driver, which can compare it with the wall clock, calls `voidLease`, and only what is sent from then on counts.
 *
 * Always: only with checkQuorum, and only where all members have it: it is what makes the others keep still.
 * Always: nothing is answered before an entry of our own term is committed (museum: tikv 1634, 6340).
 * Always: no lease while leadership is handed over, and once anybody was told to campaign none for the rest of the term,
 * even if the transfer is called off: the message may arrive late, and those who are asked for votes do not keep still
 * for it (transfer.ts).
 *
 * Changes of the membership need nothing more: a round counts by the configuration in force, whose quorums share a voter
 * with those of the ones before and after it (R14), and a learner that answered a round keeps still like any voter.
 */
import { reachedByQuorum } from './electorate.js'
import { ROUNDS_REMEMBERED } from './lease.js'
import type { RaftState } from './state.js'
import { leaseIsForfeited } from './transfer.js'
import type { Index } from './types.js'

/** A round of heartbeats begins: its messages leave now, or later. */
export function noteRoundSent(state: RaftState): void {
  state.lease.sentMs[state.round % ROUNDS_REMEMBERED] = state.nowMs
}

/** The index at which a read of this moment may be answered, or undefined: ask by ReadIndex then. */
export function leaseReadIndex(state: RaftState): Index | undefined {
  if (state.role !== 'leader' || !state.settings.checkQuorum) return undefined
  if (state.commitIndex < state.termStartIndex || leaseIsForfeited(state)) return undefined
  return state.nowMs < leaseEndMs(state) ? state.commitIndex : undefined
}

/** The clock may have stood still: what was sent before now proves nothing. */
export function voidLease(state: RaftState): void {
  state.lease.voidThroughRound = state.round
}

function leaseEndMs(state: RaftState): number {
  const { electionTimeoutMs, clockDriftMax } = state.settings
  const round = reachedByQuorum(state, state.round, (peer) => state.followers.get(peer)?.roundAnswered)
  // A round of an earlier term of ours was answered in that term: `followers` is new in each.
  if (round <= state.lease.voidThroughRound || round <= state.round - ROUNDS_REMEMBERED) return -Infinity
  const sentMs = state.lease.sentMs[round % ROUNDS_REMEMBERED] ?? -Infinity
  return sentMs + (electionTimeoutMs * (1 - clockDriftMax)) / (1 + clockDriftMax)
}
