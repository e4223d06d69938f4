import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../src/base/seeded-random.js'
import { RawNode } from '../../src/raft/raw-node.js'

const EMPTY = { hardState: { term: 0, vote: 0 }, compacted: { index: 0, term: 0 }, entries: [], applied: 0 }

/** A leader of three whose followers answer its first rounds at once, then fall silent. */
function leaderAt(startMs: number, seed: number): RawNode {
  const nodes = [1, 2, 3].map(
    (id) =>
      new RawNode(
        { id, configuration: { voters: [1, 2, 3] }, electionTimeoutMs: 300, random: seededRandom(seed + id) },
        EMPTY,
        startMs,
      ),
  )
  const [leader] = nodes as [RawNode, RawNode, RawNode]
  let nowMs = startMs
  while (leader.role !== 'leader') {
    nowMs = leader.nextDeadlineMs()
    leader.tick(nowMs)
    for (let round = 0; round < 10; round++) {
      for (const node of nodes) {
        const { write, messages } = node.ready()
        if (write !== undefined) node.advance(write.id, nowMs)
        for (const message of messages) nodes[message.to - 1]?.step(message, nowMs)
      }
    }
  }
  return leader
}

describe('a deadline that has come', () => {
  test('is followed by a later one, at whatever fraction of a millisecond it fell', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e9, noNaN: true }), fc.nat(), (startMs, seed) => {
        const node = leaderAt(startMs, seed)
        for (let ticks = 0; ticks < 20; ticks++) {
          const nowMs = node.nextDeadlineMs()
          node.tick(nowMs)
          const { write } = node.ready()
          if (write !== undefined) node.advance(write.id, nowMs)
          expect(node.nextDeadlineMs()).toBeGreaterThan(nowMs)
        }
      }),
    )
  })
})
