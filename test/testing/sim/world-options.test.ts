import { describe, expect, test } from 'vitest'
import { SimWorld } from 'quorate/testing'

test.each<[string, { readonly seed: number; readonly members: readonly string[] }, string]>([
  ['a seed that is none', { seed: NaN, members: ['a'] }, 'seed must be a whole number, not NaN'],
  ['nobody', { seed: 1, members: [] }, 'members must have one name at least'],
  ['two places with one name', { seed: 1, members: ['a', 'b', 'a'] }, 'members names a twice'],
])('a world of %s is refused', (_, options, message) => {
  expect(() => new SimWorld(options)).toThrow(message)
})

test.each([NaN, -1, Infinity])('a world does not run for %s milliseconds', async (limitMs) => {
  const world = new SimWorld({ seed: 1, members: ['a'] })
  await expect(world.run(() => false, limitMs)).rejects.toThrow(`limitMs must be finite and 0 or more, not ${limitMs}`)
})

describe('a network', () => {
  const { network } = new SimWorld({ seed: 1, members: ['a', 'b'] })
  const unknown = 'there is no place zz on this network, only a, b'
  test.each<[() => void, string]>([
    [() => network.setFaults({ delayMsMin: NaN }), 'network.delayMsMin must be finite and 0 or more, not NaN'],
    [() => network.setFaults({ delay: 3 } as object), 'network takes no delay (did you mean delayMsMin?)'],
    [() => network.setWayFaults('a', 'b', { flipPerMillion: 2e6 }), 'network.flipPerMillion must be at most 1,000,000'],
    [() => network.setWayFaults('a', 'zz', {}), unknown],
    [() => network.cut('a', 'zz'), unknown],
    [() => network.cutOneWay('zz', 'a'), unknown],
    [() => network.heal('zz', 'a'), unknown],
    [() => network.partition([['a'], ['b', 'zz']]), unknown],
    [() => network.reset('a', 'zz'), unknown],
    [() => network.clog('a', 'zz'), unknown],
    [() => network.unclog('a', 'zz'), unknown],
    [() => network.cut('a', 'a'), 'a way is between two places, not from a to itself'],
    [() => network.cut('a', undefined as never), 'a place must be a name, not undefined'],
  ])('refuses faults and ways that there are not: %s', (action, message) => {
    expect(action).toThrow(message)
  })
})
