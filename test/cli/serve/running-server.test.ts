/** A member that ends while it is only about to be served: nobody must wait for one that is no more. */
import { afterEach, describe, expect, test } from 'vitest'
import { endingOf } from '../../../src/cli/serve/ending.js'
import { RunningServer } from '../../../src/cli/serve/running-server.js'
import { isStoreError } from '../../../src/base/errors.js'
import { open } from '../../../src/store/open.js'
import { memoryDisk } from '../../../src/storage/memory-disk.js'
import { FaultyDisk } from '../../store/faulty-disk.js'
import { GrowingWorld } from '../../store/growing-world.js'

const ANYWHERE = { listenClientUrls: ['http://127.0.0.1:0'] }
let server: RunningServer | undefined

afterEach(async () => {
  await server?.close().catch(() => undefined)
  server = undefined
})

async function failing() {
  const faulty = new FaultyDisk(memoryDisk())
  const store = await open({ disk: faulty.disk() })
  const fail = async (): Promise<void> => {
    faulty.failure = new Error('EIO')
    await store.put('key', 'value').catch(() => undefined)
  }
  return { store, fail }
}

/** How it ended, or why it was not served: either ends the process. */
async function toldBy(starting: Promise<RunningServer>): Promise<string> {
  try {
    server = await starting
    return (await server.ended).type
  } catch (error) {
    return isStoreError(error) ? error.code : String(error)
  }
}

describe('the end of a member is told', () => {
  test('where its disk fails before it is served', async () => {
    const { store, fail } = await failing()
    await fail()
    await expect(RunningServer.over(store, ANYWHERE)).rejects.toMatchObject({ code: 'MEMBER_FAILED' })
    expect(await endingOf(store)).toMatchObject({ type: 'failed', error: { code: 'MEMBER_FAILED' } })
  })

  test('where its disk fails while it is about to be served', async () => {
    const { store, fail } = await failing()
    const ended = toldBy(RunningServer.over(store, ANYWHERE))
    await fail()
    expect(await ended).toMatch(/failed|MEMBER_FAILED/)
  })

  test('where it is closed while it is about to be served', async () => {
    const store = await open({ durability: 'none' })
    const ended = toldBy(RunningServer.over(store, ANYWHERE))
    await store.close()
    expect(await ended).toMatch(/closed|CLOSED/)
  })

  test('where it was removed before anybody listened', async () => {
    const world = new GrowingWorld()
    const a = await world.grown(['a', 'b', 'c'])
    const c = world.place('c').store
    if (c === undefined) throw new Error('c does not run')
    await a.cluster.remove('c')
    await world.until(() => c.status().role === 'removed')
    expect(await endingOf(c)).toEqual({ type: 'removed' })
    await world.halt()
  })
})
