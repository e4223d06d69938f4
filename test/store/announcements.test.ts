/** What members tell of themselves, as users of a store see it: their names, and how clients reach them. */
import { afterEach, describe, expect, test } from 'vitest'
import { LIMITS } from '../../src/base/limits.js'
import { refusal } from '../code-of.js'
import { GrowingWorld } from './growing-world.js'

let world: GrowingWorld | undefined

function growing(): GrowingWorld {
  world = new GrowingWorld()
  return world
}

afterEach(async () => {
  await world?.halt()
})

describe('a member that is added without a name', () => {
  test('is whoever comes from its address, and is known by the name that it comes with', async () => {
    const running = growing()
    const a = await running.grown(['a'])
    const added = await a.cluster.add({ address: 'b' }, { wait: false })
    expect(added).toMatchObject({ name: '', address: 'b', role: 'learner', becomesVoter: true, clientUrls: [] })
    expect(await a.cluster.add({ address: 'b' }, { wait: false })).toEqual(added)
    const b = await running.join('b', { name: 'other' })
    expect(await a.cluster.add({ address: 'b' })).toMatchObject({ id: added.id, role: 'voter', becomesVoter: false })
    await running.until(() => b.status().members.every(({ name }) => name !== ''))
    await a.put('after', 'it')
    const { id } = added
    expect(await b.cluster.list()).toMatchObject([{ name: 'a' }, { id, name: 'other', becomesVoter: false }])
    // It is found by its name from then on.
    await refusal('QUORUM_AT_RISK', a.cluster.update('other', { address: 'd' }))
  })

  test('comes back to what it was in an empty directory, and says its name also after a restart', async () => {
    const running = growing()
    const a = await running.grown(['a', 'c'])
    const { id } = await a.cluster.add({ address: 'b', role: 'learner' })
    await running.join('b')
    await running.until(() => a.status().members.some(({ name }) => name === 'b'))
    running.empty('b')
    const b = await running.join('b')
    await b.ready()
    expect(b.status()).toMatchObject({ name: 'b', memberId: id, learner: true })
  })

  test('does not take the name of another one', async () => {
    const running = growing()
    const a = await running.grown(['a', 'c'])
    await a.cluster.add({ address: 'b' }, { wait: false })
    const { message } = await refusal('JOIN_FAILED', running.join('b', { name: 'c' }))
    expect(message).toContain("is to be reached at 'c'")
  })
})

describe('client URLs', () => {
  test('that are none, too many or too long are refused before anything is asked', async () => {
    const running = growing()
    const { cluster } = await running.grown(['a'])
    const urls = (count: number) => Array.from({ length: count }, (_, at) => `http://a:${at}`)
    await cluster.announce({ clientUrls: urls(LIMITS.clientUrlsMax) })
    await expect(cluster.announce({ clientUrls: urls(LIMITS.clientUrlsMax + 1) })).rejects.toThrow(
      /17 URLs, at most 16/,
    )
    const long = 'x'.repeat(LIMITS.memberTextBytesMax + 1)
    await expect(cluster.announce({ clientUrls: [long] })).rejects.toThrow(/has 1025 bytes/)
    await expect(cluster.announce({ clientUrls: [''] })).rejects.toThrow(/must not be empty/)
    await expect(cluster.announce({ clientUrls: 'http://a' as never })).rejects.toThrow(/a list of URLs/)
    await expect(cluster.add({ address: 'b' }, { wait: 'no' as never })).rejects.toThrow(/wait must be true or false/)
    expect((await cluster.list())[0]?.clientUrls).toHaveLength(LIMITS.clientUrlsMax)
  })

  test('of a first member that listened nowhere come without an address, which is told once there is one', async () => {
    const running = growing()
    const alone = await running.begin('a', { durability: 'none', cluster: { a: '' } })
    await alone.cluster.announce({ clientUrls: ['http://a:1'] })
    expect(await alone.cluster.list()).toMatchObject([{ address: '', clientUrls: ['http://a:1'] }])
    running.kill('a')
    const a = await running.begin('a', { durability: 'none', cluster: { a: 'a' } })
    await a.ready()
    await running.until(() => a.status().members[0]?.address === 'a')
    expect(await a.cluster.list()).toMatchObject([{ address: 'a', clientUrls: ['http://a:1'] }])
  })
})
