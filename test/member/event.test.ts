/** What a member tells of itself: all of it, in the order in which it happens, and without harm from whoever is told. */
import type { MemberEvent } from 'quorate'
import { SimWorld } from 'quorate/testing'
import { describe, expect, test } from 'vitest'
import { SILENT } from '../../src/base/logger.js'
import { memoryDisk } from '../../src/storage/memory-disk.js'
import { open } from '../../src/store/open.js'

/** The events of these types, in words. */
function wordsOf(events: readonly MemberEvent[]): string[] {
  return events.flatMap((event) => {
    if (event.type === 'write-begun' || event.type === 'write-durable') {
      return [`${event.type} ${event.write.entries.map(({ index }) => index).join(' ')}`]
    }
    if (event.type === 'applied') return [`applied ${event.entry.index} at revision ${event.revision}`]
    return event.type === 'answered' ? [`answered ${event.proposal.sequence}`] : []
  })
}

describe('a member that is observed', () => {
  test('tells of a write before it is durable, applied and answered', async () => {
    const events: MemberEvent[] = []
    const store = await open({ disk: memoryDisk(), observe: (event) => events.push(event) })
    expect(events[0]).toMatchObject({ type: 'recovered', revision: 1, applied: { index: 0, term: 0 } })
    await store.ready()
    events.length = 0
    await store.put('k', 'v')
    expect(wordsOf(events)).toEqual(['write-begun 2', 'write-durable 2', 'applied 2 at revision 2', 'answered 1'])
    await store.close()
    expect(events.at(-1)).toEqual({ type: 'closed' })
  })

  test('tells what is on its disk when it is opened again', async () => {
    const lives: MemberEvent[][] = []
    const world = new SimWorld({
      seed: 1,
      members: ['a'],
      open: () => {
        const events: MemberEvent[] = []
        lives.push(events)
        return { observe: (event) => events.push(event) }
      },
    })
    const place = world.place('a')
    world.start(place)
    await world.run(() => place.store?.status().role === 'leader', 5_000)
    void place.store?.put('k', 'v')
    await world.run(() => place.store?.status().revision === 2, 5_000)
    world.crash(place, 'power')
    world.start(place)
    await world.run(() => place.store !== undefined, 5_000)
    const [first, recovered] = lives.map(([event]) => event)
    if (recovered?.type !== 'recovered' || first?.type !== 'recovered')
      throw new Error('a life begins with something else')
    expect(recovered.incarnation).toBeGreaterThan(first.incarnation)
    expect(recovered.stored.entries.map(({ index }) => index)).toEqual([1, 2])
    expect(recovered.stored.hardState).toMatchObject({ term: 1, vote: recovered.member })
  })

  test('tells of messages, reads, leases and watches', async () => {
    const types = new Set<string>()
    const world = new SimWorld({ seed: 2, open: { observe: ({ type }) => types.add(type) } })
    for (const place of world.places) world.start(place)
    await world.run(() => world.statuses().some(({ role }) => role === 'leader'), 5_000)
    const store = world.places[0]?.store
    if (store === undefined) throw new Error('the first member is not open')
    let done = false
    const work = async (): Promise<void> => {
      const watch = store.watch('k')
      const lease = await store.leases.grant({ ttlMs: 2_000 })
      await store.put('k', 'v', { lease: lease.id })
      await store.leases.keepAlive(lease.id)
      await store.get('k')
      for await (const event of watch) if (event.type === 'delete') break
      done = true
    }
    const working = work()
    expect(await world.run(() => done, 10_000)).toBe(true)
    await working
    for (const type of [
      ...['message-sent', 'message-received', 'proposed', 'forwarded', 'read-asked', 'read-confirmed', 'ranged'],
      ...['leases-taken-over', 'lease-renewed', 'leases-expired', 'turned', 'decided'],
      ...['watch-opened', 'watch-delivered', 'watch-ended'],
    ]) {
      expect(types).toContain(type)
    }
  })

  test.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('observer')
      },
    ],
    ['rejects later', () => Promise.reject(new Error('observer'))],
  ])('by one who %s goes on, and logs it', async (_how, observe) => {
    const errors: string[] = []
    const logger = { ...SILENT, error: (message: string) => errors.push(message) }
    const store = await open({ disk: memoryDisk(), logger, observe })
    await store.put('k', 'v')
    expect((await store.get('k'))?.text()).toBe('v')
    await store.close()
    expect(new Set(errors)).toEqual(new Set(['the observer threw']))
  })
})
