/** Coverage: counts that add up, and tables that name what never happened. */
import { CoverageSum, expectations, FAULT_TYPES, neverSeen, unexpected } from 'quorate/testing'
import { describe, expect, test } from 'vitest'

function everything(): CoverageSum {
  const sum = new CoverageSum()
  for (const { group, name, expected } of expectations()) if (expected === true) sum.add(group, name)
  return sum
}

describe('the coverage of many runs', () => {
  test('adds up by group and name', () => {
    const sum = new CoverageSum()
    sum.addAll({ fault: { crash: 2 }, network: { lost: 1 } })
    sum.addAll({ fault: { crash: 3, cut: 0 } })
    expect(sum.coverage).toEqual({ fault: { crash: 5 }, network: { lost: 1 } })
    expect(sum.count('fault', 'cut')).toBe(0)
  })

  test('is complete when everything that can happen has happened, and names what has not', () => {
    expect(neverSeen(everything().coverage)).toEqual([])
    const { fault, ...others } = everything().coverage
    expect(neverSeen(others)).toEqual(Object.keys(FAULT_TYPES).map((type) => `fault: ${type}`))
    expect(fault).toBeDefined()
  })

  test('tells what happened though it is said that it cannot', () => {
    const sum = everything()
    expect(unexpected(sum.coverage)).toEqual([])
    sum.add('decision', 'leader-removed')
    expect(unexpected(sum.coverage)).toEqual([
      'decision: leader-removed, though a leader that is to be removed hands over before; test/raft/membership.test.ts has it',
    ])
  })
})
