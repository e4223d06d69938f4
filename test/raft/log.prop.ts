/** The log against a naive twin: an array of entries and two numbers. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Inflight } from '../../src/raft/inflight.js'
import { entryBytes, Log } from '../../src/raft/log.js'
import type { Entry } from '../../src/raft/types.js'

interface Twin {
  entries: Entry[]
  compacted: { index: number; term: number }
  durableIndex: number
  /** The entries of the write under way, which counts for those that are still the very same. */
  writing: Entry[] | undefined
}

const action = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant('append' as const),
      count: fc.integer({ min: 1, max: 5 }),
      newTerm: fc.boolean(),
    }),
  },
  fc.record({ type: fc.constant('truncate' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('compact' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
  },
  fc.record({ type: fc.constant('restore' as const), ahead: fc.integer({ min: -3, max: 10 }) }),
  { weight: 3, arbitrary: fc.record({ type: fc.constant('begin-write' as const) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('complete-write' as const) }) },
)

function check(log: Log, twin: Twin): void {
  const { entries, compacted } = twin
  expect(log.compacted).toEqual(compacted)
  expect(log.lastIndex).toBe(compacted.index + entries.length)
  expect(log.lastTerm).toBe(entries.at(-1)?.term ?? compacted.term)
  expect(log.durableIndex).toBe(twin.durableIndex)
  expect(log.bytes).toBe(entries.reduce((sum, entry) => sum + entryBytes(entry), 0))
  expect(log.slice(log.firstIndex, log.lastIndex, Infinity)).toEqual(entries)
  for (let index = compacted.index - 1; index <= log.lastIndex + 1; index++) {
    const expected = index === compacted.index ? compacted.term : entries[index - compacted.index - 1]?.term
    expect(log.termAt(index)).toBe(expected)
  }
}

describe('the log', () => {
  it('is an array whose beginning is forgotten and whose end is on its way to the disk', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const log = new Log({ index: 3, term: 1 }, [])
        const twin: Twin = { entries: [], compacted: { index: 3, term: 1 }, durableIndex: 3, writing: undefined }
        let term = 1
        for (const step of actions) {
          const last = twin.compacted.index + twin.entries.length
          switch (step.type) {
            case 'append':
              if (step.newTerm) term++
              for (let at = 1; at <= step.count; at++) {
                const entry: Entry = { index: last + at, term, kind: 'normal', data: new Uint8Array(at) }
                log.append(entry)
                twin.entries.push(entry)
              }
              break
            case 'truncate': {
              if (twin.entries.length === 0) break
              const kept = Math.floor(step.share * (twin.entries.length - 1))
              log.truncate(twin.compacted.index + kept + 1)
              twin.entries.length = kept
              twin.durableIndex = Math.min(twin.durableIndex, twin.compacted.index + kept)
              break
            }
            case 'compact': {
              const index = twin.compacted.index + Math.floor(step.share * (twin.durableIndex - twin.compacted.index))
              log.compact(index)
              const forgotten = twin.entries.splice(0, index - twin.compacted.index)
              twin.compacted = { index, term: forgotten.at(-1)?.term ?? twin.compacted.term }
              break
            }
            case 'restore': {
              const index = Math.max(twin.compacted.index + 1, last + step.ahead)
              log.restore({ index, term })
              twin.entries = []
              twin.compacted = { index, term }
              twin.durableIndex = index
              break
            }
            case 'begin-write': {
              if (twin.writing !== undefined) break
              twin.writing = twin.entries.slice(twin.durableIndex - twin.compacted.index)
              expect(log.beginWrite()).toEqual(twin.writing)
              break
            }
            case 'complete-write':
              if (twin.writing === undefined) break
              log.completeWrite()
              for (const entry of twin.writing) {
                if (twin.entries[entry.index - twin.compacted.index - 1] === entry) twin.durableIndex = entry.index
              }
              twin.writing = undefined
              break
          }
          check(log, twin)
        }
      }),
    )
  })

  it('finds the last index not above a term as a search from the end does', () => {
    const steps = fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 30 })
    fc.assert(
      fc.property(steps, fc.nat(35), fc.nat(40), (steps, index, term) => {
        let current = 2
        const entries = steps.map((step, at): Entry => {
          current += step
          return { index: 5 + at, term: current, kind: 'normal', data: new Uint8Array() }
        })
        const log = new Log({ index: 4, term: 2 }, entries)
        const candidates = [4, ...entries.map((entry) => entry.index)]
        const found = candidates.filter((at) => at <= index && (log.termAt(at) ?? 0) <= term).at(-1)
        const expected = index < 4 ? index : (found ?? 3)
        expect(log.lastIndexNotAboveTerm(index, term)).toBe(expected)
      }),
    )
  })

  it('stays as fast when it is compacted again and again', () => {
    const log = new Log({ index: 0, term: 0 }, [])
    const data = new Uint8Array(1)
    for (let index = 1; index <= 100_000; index++) {
      log.append({ index, term: 1, kind: 'normal', data })
      if (index % 100 === 0) {
        log.beginWrite()
        log.completeWrite()
        log.compact(index - 50)
      }
    }
    expect(log.slice(log.firstIndex, log.lastIndex, Infinity).map(({ index }) => index)).toEqual(
      Array.from({ length: 50 }, (_, at) => 99_951 + at),
    )
  })
})

describe('the window of appends under way', () => {
  it('is a queue of bounded count and bytes', () => {
    const actions = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 40 })), { maxLength: 100 })
    fc.assert(
      fc.property(actions, fc.integer({ min: 1, max: 5 }), (actions, countMax) => {
        const window = new Inflight(countMax, 100)
        let twin: { index: number; size: number }[] = []
        let last = 0
        for (const [adds, value] of actions) {
          const bytes = twin.reduce((sum, { size }) => sum + size, 0)
          expect([window.count, window.bytes, window.full]).toEqual([
            twin.length,
            bytes,
            twin.length === countMax || bytes >= 100,
          ])
          if (!adds) {
            const through = last - 20 + value
            window.freeThrough(through)
            twin = twin.filter(({ index }) => index > through)
          } else if (!window.full) {
            last += value
            window.add(last, value)
            twin.push({ index: last, size: value })
          }
        }
      }),
    )
  })
})
