import { expect, test } from 'vitest'
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
