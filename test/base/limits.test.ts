/** Limits lean on each other: what one part lets through must fit through the next. */
import { describe, expect, test } from 'vitest'
import { LIMITS } from '../../src/base/limits.js'
import { encodeMessage } from '../../src/member/wire/raft-codec.js'
import { entryBytes } from '../../src/raft/log.js'
import { encodeProposals } from '../../src/member/wire/proposal-codec.js'

describe('limits', () => {
  test('are positive whole numbers', () => {
    for (const [name, limit] of Object.entries(LIMITS))
      expect([name, Number.isSafeInteger(limit) && limit > 0]).toEqual([name, true])
  })

  test('let the largest request through in one frame, alone and behind a full append', () => {
    const entry = { index: 1, term: 1, kind: 'normal' as const, data: new Uint8Array(LIMITS.requestBytesMax) }
    const envelope = { type: 'append' as const, from: 1, to: 2, term: 1, previousIndex: 0, previousTerm: 0, commit: 0 }
    expect(encodeMessage({ ...envelope, entries: [entry] }).byteLength).toBeLessThan(LIMITS.frameBytesMax)
    expect(encodeProposals([entry.data]).byteLength).toBeLessThan(LIMITS.frameBytesMax)
    expect(LIMITS.appendBytesMax + LIMITS.requestBytesMax).toBeLessThan(LIMITS.frameBytesMax)
  })

  test('let a full append of the smallest entries through in one frame', () => {
    // The core counts data only; an entry costs 13 bytes more on the wire, and an empty put has at least 34 bytes.
    const leastEntryBytes = 34
    expect(LIMITS.appendBytesMax * (1 + 13 / leastEntryBytes)).toBeLessThan(LIMITS.frameBytesMax)
  })

  test('let an append hold as many entries as its bytes do', () => {
    const empty = entryBytes({ index: 1, term: 1, kind: 'noop', data: new Uint8Array(0) })
    expect(LIMITS.appendEntriesMax).toBe(LIMITS.appendBytesMax / empty)
  })

  test('let a key be part of a request', () => {
    expect(LIMITS.keyBytesMax).toBeLessThan(LIMITS.requestBytesMax)
    expect(LIMITS.keyBytesMax * 2).toBeLessThan(LIMITS.stateBufferBytesMax)
  })

  test('let a queue hold several of the largest of what it queues', () => {
    expect(LIMITS.peerQueueBytesMax).toBeGreaterThanOrEqual(2 * LIMITS.frameBytesMax)
    expect(LIMITS.inflightAppendBytesMax).toBeGreaterThanOrEqual(2 * LIMITS.requestBytesMax)
    expect(LIMITS.inflightAppendBytesMax).toBeLessThanOrEqual(LIMITS.peerQueueBytesMax)
    expect(LIMITS.inflightAppendsMax).toBeLessThan(LIMITS.peerQueueFramesMax)
    expect(LIMITS.pendingProposalBytesMax).toBeGreaterThanOrEqual(2 * LIMITS.requestBytesMax)
    expect(LIMITS.watchBufferBytesMax).toBeGreaterThanOrEqual(2 * LIMITS.requestBytesMax)
  })

  test('let a leader take what one member may have waiting', () => {
    expect(LIMITS.uncommittedBytesMax).toBeGreaterThanOrEqual(LIMITS.pendingProposalBytesMax)
  })

  test('keep what a follower may lag above what one write of the state covers', () => {
    expect(LIMITS.logRetainBytes).toBeGreaterThanOrEqual(2 * LIMITS.stateBufferBytesMax)
  })

  test('let a user or a role be one record, named by a key, and be changed by one request', () => {
    expect(LIMITS.authNameBytesMax).toBeLessThan(LIMITS.keyBytesMax)
    expect(LIMITS.authPermissionBytesPerRoleMax + LIMITS.authPermissionsPerRoleMax * 16).toBeLessThan(
      LIMITS.stateBufferBytesMax / 2,
    )
    expect(LIMITS.authRolesPerUserMax * (LIMITS.authNameBytesMax + 4)).toBeLessThan(LIMITS.stateBufferBytesMax / 2)
    expect(LIMITS.keyBytesMax * 2 + LIMITS.authNameBytesMax).toBeLessThan(LIMITS.requestBytesMax)
  })

  test('let the largest record be in a block of a snapshot, behind smaller ones', () => {
    const largest = Math.max(LIMITS.requestBytesMax, 2 * LIMITS.authPermissionBytesPerRoleMax)
    expect(LIMITS.snapshotBlockBytes + largest + LIMITS.keyBytesMax).toBeLessThan(LIMITS.snapshotBlockBytesMax)
    expect(LIMITS.snapshotPieceMsMax).toBeLessThan(LIMITS.snapshotMsMax)
  })

  test('make the window of proposals a whole number of words', () => {
    expect(LIMITS.pendingProposalsMax % 32).toBe(0)
  })

  test('notice a silent peer between two keepalives and the idle limit', () => {
    expect(LIMITS.peerKeepaliveMs * LIMITS.peerKeepalivesUnansweredMax).toBeLessThan(LIMITS.peerIdleMsMax)
    expect(LIMITS.peerReconnectMsMin).toBeLessThan(LIMITS.peerReconnectMsMax)
    expect(LIMITS.handshakeMsMax).toBeLessThan(LIMITS.peerIdleMsMax)
  })

  test('read a whole catch-up of a watch into its buffer', () => {
    expect(LIMITS.watchCatchUpRevisionsMax).toBeLessThanOrEqual(LIMITS.watchBufferEventsMax)
  })

  test('let one transaction compare all parties of a double barrier', () => {
    expect(LIMITS.doubleBarrierPartiesMax + 1).toBeLessThanOrEqual(LIMITS.transactionOperationsMax)
  })

  test('are those of etcd where etcd has one', () => {
    expect(LIMITS.requestBytesMax).toBe(1_572_864)
    expect(LIMITS.transactionOperationsMax).toBe(128)
    expect(LIMITS.leaseTtlSecondsMax).toBe(9_000_000_000)
  })
})
