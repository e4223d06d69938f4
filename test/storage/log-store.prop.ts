/** The log equals a naive twin, whatever is appended, truncated, trimmed and opened again, in whatever order. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openStorage } from '../../src/storage/storage.js'
import { DISKS, IDENTITY, describeEntries, entries } from './disks.js'
import { LogTwin } from './log-twin.js'

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('append' as const),
      /** How far back from the end the first entry lies. */
      back: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(7)),
      count: fc.nat(5),
      dataBytes: fc.constantFrom(0, 1, 30, 5000),
      newTerm: fc.boolean(),
      vote: fc.nat(3),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('trim' as const), back: fc.nat(7) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('reopen' as const) }) },
)

describe.each(DISKS.filter((disk) => disk.permanent))('on a $name disk', ({ name, make }) => {
  test('the log equals its twin', async () => {
    const numRuns = name === 'classic-level' ? 30 : 300
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const disk = make()
        const twin = new LogTwin()
        let storage = await openStorage(disk(), IDENTITY)
        for (const action of [...steps, { type: 'reopen' as const }]) {
          if (action.type === 'append') {
            const { term, vote } = twin.hardState
            const newTerm = term + (action.newTerm || term === 0 ? 1 : 0)
            const hardState = { term: newTerm, vote: newTerm > term || vote === 0 ? action.vote : vote }
            const first = Math.max(twin.base.index + 1, twin.last.index + 1 - action.back)
            const written = entries(first, action.count, newTerm, action.dataBytes)
            twin.append(written, hardState)
            await storage.log.append({ id: 1, hardState, entries: written })
          } else if (action.type === 'trim') {
            const index = Math.max(twin.base.index, twin.last.index - action.back)
            const term = twin.entries.find((entry) => entry.index === index)?.term ?? twin.base.term
            twin.trim({ index, term })
            await storage.log.trim({ index, term })
          } else {
            await storage.close()
            storage = await openStorage(disk(), IDENTITY)
            const stored = storage.log.storedState(twin.last)
            expect({
              hardState: stored.hardState,
              base: stored.compacted,
              entries: describeEntries(stored.entries),
            }).toEqual(twin.describe())
          }
          expect(storage.log.last).toEqual(twin.last)
          expect(storage.log.base).toEqual(twin.base)
        }
        await storage.close()
      }),
      { numRuns },
    )
  })
})
