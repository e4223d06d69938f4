import { describe, expect, test } from 'vitest'
import { check, etcdModel, History, type EtcdInput, type EtcdOutput, type Verdict } from 'quorate/testing'
import { sequential } from './histories.js'

const wrote = (revision: number): EtcdOutput => ({ type: 'put', revision })
const put = (key: string, value: string): EtcdInput => ({ type: 'put', key, value })
const item = (key: string, value: string, mod: number, create = mod, version = 1) => ({
  key,
  value,
  create,
  mod,
  version,
})
const read = (revision: number, ...items: readonly ReturnType<typeof item>[]): EtcdOutput => ({
  type: 'range',
  items,
  count: items.length,
  more: false,
  revision,
})
const range = (key: string): EtcdInput => ({ type: 'range', key })

function explanationOf(verdict: Verdict): string {
  return verdict.verdict === 'ok' ? 'ok' : verdict.explanation
}

describe('a history of a store is illegal', () => {
  test('where a read shows what was overwritten, and it is said what it should have shown', () => {
    const history = sequential(
      [put('a', 'x'), wrote(2)],
      [put('a', 'y'), wrote(3)],
      [range('a'), read(3, item('a', 'x', 2))],
    )
    const verdict = check(history, etcdModel)
    expect(explanationOf(verdict)).toBe(
      'call 2 of client a, read a → a=x (revision 2, version 1) at revision 3, is impossible after the change to 3: ' +
        'the answer would be a=y (revision 3, version 2) at revision 3',
    )
    expect(verdict).toMatchObject({ verdict: 'illegal', call: { index: 2 } })
  })

  test('where a read is older than what had been acknowledged before it', () => {
    const history = sequential(
      [put('a', 'x'), wrote(2)],
      [put('a', 'y'), wrote(3)],
      [range('a'), read(2, item('a', 'x', 2))],
    )
    expect(explanationOf(check(history, etcdModel))).toContain(
      'took effect at 2 by its answer, though call 1 of client a, put a y → written at revision 3, had returned before',
    )
  })

  test('where two writes say they made one revision', () => {
    const history = sequential([put('a', 'x'), wrote(2)], [put('b', 'y'), wrote(2)])
    expect(explanationOf(check(history, etcdModel))).toContain('says it made the change to 2, which is what call 0')
  })

  test('where a revision is nobody’s', () => {
    const history = sequential([put('a', 'x'), wrote(2)], [put('a', 'y'), wrote(4)])
    expect(explanationOf(check(history, etcdModel))).toContain('no call of the history made the change to 3')
  })
})

describe('a history of a store is legal', () => {
  test('where a write of unknown outcome made the revision that is missing', () => {
    const history = new History<EtcdInput, EtcdOutput>()
    history.end(history.invoke('a', put('a', 'lost')), { outcome: 'unknown' })
    history.invoke('b', put('b', 'lost, too'))
    history.end(history.invoke('c', put('c', 'x')), { outcome: 'ok', output: wrote(3) })
    history.end(history.invoke('c', range('b')), { outcome: 'ok', output: read(3, item('b', 'lost, too', 2)) })
    const verdict = check(history, etcdModel)
    expect(verdict.verdict).toBe('ok')
    const order = verdict.linearizations[0]?.replay().map(({ call }) => call?.index)
    expect(order).toEqual([1, 2, 3])
  })

  test('where a local read is old, but not where it is of what never was', () => {
    const local: EtcdInput = { type: 'range', key: 'a', local: true }
    const calls = [
      [put('a', 'x'), wrote(2)],
      [put('a', 'y'), wrote(3)],
    ] as const
    expect(check(sequential(...calls, [local, read(2, item('a', 'x', 2))]), etcdModel).verdict).toBe('ok')
    expect(check(sequential(...calls, [local, read(2, item('a', 'y', 2))]), etcdModel).verdict).toBe('illegal')
    expect(check(sequential([local, read(2, item('a', 'x', 2))], ...calls), etcdModel).verdict).toBe('illegal')
  })

  test('where the keys of a lease are gone, and only then', () => {
    const grant = [
      { type: 'grant', lease: '7' },
      { type: 'grant', lease: '7' },
    ] as const
    const written = [{ type: 'put', key: 'a', value: 'x', lease: '7' }, wrote(2)] as const
    const plain = [put('a', 'x'), wrote(2)] as const
    const gone = [range('a'), read(3)] as const
    expect(check(sequential<EtcdInput, EtcdOutput>(grant, written, gone), etcdModel).verdict).toBe('ok')
    expect(check(sequential<EtcdInput, EtcdOutput>(grant, plain, gone), etcdModel).verdict).toBe('illegal')
  })

  test('is not judged when the budget is used up, and the numbers are told', () => {
    const history = sequential([put('a', 'x'), wrote(2)], [put('a', 'y'), wrote(3)])
    expect(explanationOf(check(history, etcdModel, { stepsMax: 1 }))).toMatch(
      /^the budget of 1 steps is used up with 1 of 2 calls placed at most: raise stepsMax/,
    )
    expect(explanationOf(check(history, etcdModel, { engine: 'search', stepsMax: 1 }))).toMatch(
      /^the budget of 1 steps is used up with 1 of 1 partitions undecided after 1 steps: raise stepsMax/,
    )
    const lost = new History<EtcdInput, EtcdOutput>()
    lost.invoke('a', put('a', 'x'))
    lost.end(lost.invoke('b', put('a', 'y')), { outcome: 'ok', output: wrote(3) })
    expect(explanationOf(check(lost, etcdModel, { memoryBytesMax: 1 }))).toMatch(
      /^the walk remembers \d+ bytes, more than 1, with \d of 2 calls placed at most: raise memoryBytesMax/,
    )
    expect(() => check(history, etcdModel, { stepsMax: 0 })).toThrow('stepsMax must be a number above 0, not 0')
  })
})
