/** Members that come and go, while the cluster goes on. */
import { afterEach, describe, expect, test } from 'vitest'
import { MembersWorld } from './members-world.js'

let world: MembersWorld
afterEach(async () => {
  await world.stop()
})

describe('a cluster', () => {
  test('grows from one member to three to five, and everybody has everything', async () => {
    world = await MembersWorld.start()
    await world.put('before', 'one')
    for (const name of ['b', 'c', 'd', 'e']) {
      await world.add(name)
      await world.put(name, 'came', name)
    }
    await world.agree(['a', 'b', 'c', 'd', 'e'])
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      expect(world.membersBy(name)).toBe('a b c d e')
      expect(await world.get('before', name)).toBe('one')
    }
    expect(world.failures).toEqual([])
  })
})
