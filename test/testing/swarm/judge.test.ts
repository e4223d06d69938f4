/** R20 and R18, as clients hear of them: what a watch says of how far it has come, and what members say of what they hold. */
import { describe, expect, test } from 'vitest'
import type { WatchEvent } from '../../../src/api/store.js'
import type { Applied } from '../../../src/machine/outcome.js'
import { AuthJudge } from '../../../src/testing/swarm/auth-judge.js'
import { Judge } from '../../../src/testing/swarm/judge.js'
import type { Operation } from '../../../src/testing/swarm/operation.js'
import { keyValueOf } from '../../../src/store/results.js'
import { put } from '../checkers/forged.js'

type WatchOperation = Operation & { readonly type: 'watch' }

const WATCH = { id: 1, type: 'watch', member: 'a', back: 0, slowMs: 0, forMs: 10 } as WatchOperation
const BEGUN = { startRevision: 2, compactRevision: 0, compactRevisionNow: () => 0 }

/** Keys that were put, one in each revision from 2 on. */
function judgeOf(...keys: readonly string[]): Judge {
  const auth = new AuthJudge({ latest: () => 0, appliedIndexOf: () => 0, mayRead: () => true })
  const judge = new Judge({ steadySince: () => true, auth })
  for (const [at, key] of keys.entries()) {
    judge.applied({ revision: at + 2, events: [put(key, at + 2)] } as unknown as Applied)
  }
  return judge
}

function told(key: string, revision: number): WatchEvent {
  const keyValue = keyValueOf(put(key, revision).keyValue)
  return { type: 'put', keyValue, key, revision, created: true, previous: undefined }
}

describe('the judge of watches', () => {
  test('finds a notice of progress that is ahead of what was told, of what there is, or goes back', () => {
    const judge = judgeOf('a', 'b', 'c')
    judge.watched(WATCH, told('a', 2), BEGUN)
    judge.progressed(WATCH, 2, BEGUN)
    expect(() => {
      judge.progressed(WATCH, 3, BEGUN)
    }).toThrow('R20 violated: the watch v1 on a from revision 2 on says that it has come to 3, and has not told of 3')
    judge.watched(WATCH, told('b', 3), BEGUN)
    judge.watched(WATCH, told('c', 4), BEGUN)
    for (const revision of [3, 5]) {
      expect(() => {
        judge.progressed(WATCH, revision, BEGUN)
      }).toThrow(/says that it has come to/)
    }
  })

  test('asks of a watch of some keys, or without deletions, only what it is to tell', () => {
    const judge = judgeOf('a', 'b', 'c')
    const some: WatchOperation = { ...WATCH, from: 'c', end: 'k' }
    judge.progressed(some, 3, BEGUN)
    expect(() => {
      judge.watched(some, told('b', 3), BEGUN)
    }).toThrow('told put b at 3 where history has put c at 4')
    judge.progressed({ ...WATCH, id: 2, without: 'puts' }, 4, BEGUN)
    judge.progressed({ ...WATCH, id: 3, from: 'd' }, 4, BEGUN)
  })
})

describe('the judge of hashes', () => {
  test('finds two members that hold something else at one revision, compacted alike', () => {
    const judge = judgeOf()
    const hash = { hash: 'one', revision: 9, compactRevision: 3 }
    expect(judge.hashed({ id: 1, member: 'a' }, hash)).toBe(false)
    expect(judge.hashed({ id: 2, member: 'b' }, hash)).toBe(true)
    expect(judge.hashed({ id: 3, member: 'c' }, { ...hash, hash: 'other', compactRevision: 4 })).toBe(false)
    expect(() => judge.hashed({ id: 4, member: 'c' }, { ...hash, hash: 'other' })).toThrow(
      'R18 violated: at revision 9, compacted to 3, c has the hash other (v4), a had one',
    )
  })
})
