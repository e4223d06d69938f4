/** What callers of connect() are told where something cannot be, and that nothing was done then. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MemoryNetwork } from '../../../src/transport/index.js'
import { serveAndConnect, type ServedStore } from './served-store.js'

describe('through connect()', () => {
  let served: ServedStore

  beforeAll(async () => {
    const network = new MemoryNetwork()
    served = await serveAndConnect({
      open: {
        name: 'a',
        cluster: { a: '10.0.0.1:1' },
        transport: ({ timers }) => network.transport('10.0.0.1:1', timers),
      },
    })
  })
  afterAll(() => served.close())

  test('nothing is half done of what is not supported: no learner is left of a voter that is not waited for', async () => {
    const { store, member } = served
    await expect(store.cluster.add({ address: '10.0.0.2:1' }, { wait: false })).rejects.toMatchObject({
      code: 'NOT_SUPPORTED',
    })
    expect(await member.cluster.list()).toHaveLength(1)
  })

  test('a watch from now begins, though others have written and compacted what this client had not heard of', async () => {
    const { store, member } = served
    for (const value of ['1', '2', '3']) await member.put('a', value)
    const { revision } = await member.put('a', '4')
    await member.compact(revision)
    const watch = store.watch('a')
    const next = watch[Symbol.asyncIterator]().next()
    const written = await store.put('a', '5')
    expect((await next).value).toMatchObject({ key: 'a', type: 'put', revision: written.revision })
    await watch.close()
  })

  test('an error says why of each server, also of one that answered before', async () => {
    const { store, member } = served
    await store.put('k', 'v')
    await member.close()
    const refused = await store.get('k', { timeoutMs: 1000 }).catch(String)
    expect(refused).not.toContain('not reached yet')
    expect(refused).toMatch(/stopped|closed/i)
  })
})
