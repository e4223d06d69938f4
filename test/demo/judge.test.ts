/** A demo whose judge lets everything pass proves nothing: each kind of broken promise is found. */
import { describe, expect, it } from 'vitest'
import { judge } from '../../demo/judge.js'
import { Ledger } from '../../demo/ledger.js'
import type { WriteKind, Written } from '../../demo/messages.js'
import type { StoreStatus } from '../../src/api/store.js'

const GOOD: readonly Written[] = [
  { revision: 2, key: 'orders/a', value: 'order 1' },
  { revision: 3, key: 'counter', value: '1 increment 1' },
  { revision: 4, key: 'orders/a', value: 'order 2' },
  { revision: 5, key: 'counter', value: '2 increment 2' },
]

describe('a run in which', () => {
  it('every promise was kept passes', () => {
    expect(faults(GOOD)).toEqual([])
  })

  it('a write got no answer passes, whether it is there or not', () => {
    expect(faults([...GOOD, { revision: 6, key: 'orders/a', value: 'order 4' }])).toEqual([])
  })

  it('an acknowledged write is gone fails', () => {
    expect(faults(GOOD.filter(({ revision }) => revision !== 4))).toContain(
      'order 2: acknowledged at revision 4, and lost',
    )
  })

  it('an acknowledged write is elsewhere than was said fails', () => {
    const moved = GOOD.map((written) => (written.revision === 4 ? { ...written, revision: 7 } : written))
    expect(faults(moved)).toContain('order 2: acknowledged at 4, in history at 7')
  })

  it('a write is there twice fails, also one that got no answer', () => {
    const again = { key: 'orders/a', value: 'order 4' }
    expect(faults([...GOOD, { revision: 6, ...again }, { revision: 7, ...again }])).toContain(
      'order 4: in history 2 times, at revisions 6, 7',
    )
  })

  it('a refused write took effect fails', () => {
    expect(faults([...GOOD, { revision: 6, key: 'orders/a', value: 'order 3' }])).toContain(
      'order 3: refused, yet in history at revision 6',
    )
  })

  it('the counter took a step twice fails', () => {
    const twice = GOOD.map((written) => (written.revision === 5 ? { ...written, value: '1 increment 2' } : written))
    expect(faults(twice)).toEqual([
      'The counter went from 0 to 1, not in steps of one: 2 increments acknowledged, 0 unknown.',
    ])
  })

  it('the members do not have the same fails', () => {
    expect(faults(GOOD, [GOOD, GOOD.slice(1)])).toEqual(['a, b do not have the same history.'])
    expect(faults(GOOD, [GOOD, GOOD], ['0011223344556677', '0011223344556678'])).toHaveLength(1)
  })
})

/** What the judge finds wrong when the services were told what `GOOD` says. */
function faults(history: readonly Written[], histories = [history, history], digests = ['00', '00']): string[] {
  const ledger = new Ledger()
  const attempt = (kind: WriteKind, value: string): void => ledger.record('a', { type: 'attempt', kind, value })
  for (const { key, value, revision } of GOOD) {
    const written = value.replace(/^\d+ /, '')
    attempt(key === 'counter' ? 'increment' : 'order', written)
    ledger.record('a', { type: 'acknowledged', value: written, revision, term: 1 })
  }
  attempt('order', 'order 3')
  ledger.record('a', { type: 'failed', value: 'order 3', outcome: 'refused', code: 'NO_LEADER' })
  attempt('order', 'order 4')
  ledger.lost('a')
  const statuses = digests.map((digest, at) => ({ name: 'ab'.charAt(at), revision: 5, digest }) as StoreStatus)
  return judge(ledger, histories, statuses).flatMap(({ good, text }) => (good ? [] : [text]))
}
