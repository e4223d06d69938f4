/** Changes of the membership while something else goes wrong. */
import { afterEach, describe, expect, test } from 'vitest'
import { MEMBER } from '../../src/machine/identity.js'
import type { MemberEvent } from '../../src/member/event.js'
import { MembersWorld } from './members-world.js'

let world: MembersWorld
afterEach(async () => {
  await world.stop()
})

const SHORT = { stateBufferBytesMax: 1_000, logRetainBytes: 2_000 }
const BIG = 'x'.repeat(200)

async function write(count: number): Promise<void> {
  for (let nth = 0; nth < count; nth++) await world.put(`key ${nth % 7}`, `${nth} ${BIG}`)
}

describe('a change of the membership', () => {
  test('asked of a leader that is cut off is not made there, and made by the others when they are asked', async () => {
    world = await MembersWorld.start({ initial: 3 })
    await world.lead('a')
    world.world.isolate('a')
    const lost = world.change({ type: 'add-learner', id: 7, name: 'd', address: 'd' }, 'a', 3000)
    await expect(lost).rejects.toMatchObject({ code: 'TIMEOUT', outcome: 'unknown' })
    await world.until(() => world.member('b').status.role === 'leader' || world.member('c').status.role === 'leader')
    const leader = world.member('b').status.role === 'leader' ? 'b' : 'c'
    await world.change({ type: 'add-learner', id: 8, name: 'e', address: 'e' }, leader)
    world.world.network.healAll()
    await world.until(() => world.membersBy('a') === 'a b c e?')
    await world.agree(['a', 'b', 'c'])
  })

  test('that only a leader has which is cut off is taken back, and so is whom the transport speaks to', async () => {
    const books: string[] = []
    world = await MembersWorld.start({ initial: 3 })
    await world.lead('a')
    // Leadership is confirmed and the change decided; then the leader is alone with it.
    const lost = world.change({ type: 'add-learner', id: 7, name: 'd', address: 'd' }, 'a', 2000).catch(() => undefined)
    await world.until(() => world.member('a').addressBook.find(7) !== undefined)
    world.world.isolate('a')
    books.push(world.membersBy('a'))
    await lost
    await world.until(() => ['b', 'c'].some((name) => world.member(name).status.role === 'leader'))
    const taken = world.member('b').addressBook.find(7) ?? world.member('c').addressBook.find(7)
    world.world.network.healAll()
    await world.until(() => new Set(['a', 'b', 'c'].map((name) => world.member(name).status.term)).size === 1)
    await world.agree(['a', 'b', 'c'])
    expect(books).toEqual(['a b c d?'])
    expect(world.membersBy('a')).toBe(taken === undefined ? 'a b c' : 'a b c d?')
  })

  test('goes on while the log is compacted: the newcomer gets a snapshot, and it is told how much of it', async () => {
    const installed: string[] = []
    world = await MembersWorld.start({
      initial: 3,
      open: SHORT,
      observe: (name, { type }) => {
        if (type === 'state-adopted') installed.push(name)
      },
    })
    await write(60)
    const id = await world.addLearner('d')
    const seen = new Set<number | undefined>()
    await world.until(() => {
      if (world.members.has('d')) {
        void world.any.membersStatus(MEMBER, world.limitsAt(world.leaderName ?? 'a')).then(
          ({ members }) => seen.add(members.find((member) => member.id === id)?.snapshotPercent),
          () => undefined,
        )
      }
      return world.members.has('d') && world.member('d').status.promises === 'kept'
    })
    await world.promote(id)
    await write(20)
    await world.agree(['a', 'b', 'c', 'd'])
    expect(installed).toContain('d')
    expect([...seen].some((percent) => percent !== undefined)).toBe(true)
    expect(await world.get('key 3', 'd')).toContain(BIG)
    expect(world.membersBy('d')).toBe('a b c d')
    // Its state has the membership, its log does not.
    world.restart('d')
    await world.until(() => world.members.has('d') && world.member('d').status.leader !== 0)
    expect(world.membersBy('d')).toBe('a b c d')
  })

  test.each([0, 1, 2, 3, 4, 5, 6, 7])(
    'survives that everybody loses power at once, in the middle of it (%i)',
    async (nth) => {
      let passed = 0
      let armed = false
      world = await MembersWorld.start({
        ...{ initial: 3, seed: nth, open: nth % 2 === 0 ? SHORT : {} },
        observe: (_, { type }) => {
          if (
            !armed ||
            !(type === 'write-begun' || type === 'write-durable' || type === 'applied') ||
            passed++ !== nth * 3
          )
            return
          armed = false
          const { scheduler } = world.world
          scheduler.timersOf().after(0, () => {
            for (const name of ['a', 'b', 'c']) world.crash(name, 'power')
            for (const name of ['a', 'b', 'c']) world.boot(name)
          })
        },
      })
      await write(10)
      armed = true
      const changed = world.change({ type: 'add-learner', id: 7, name: 'd', address: 'd' }, world.leaderName, 500)
      await Promise.race([changed.catch(() => undefined), world.world.pass(600)])
      armed = false
      await world.until(() => world.members.size === 3 && world.leaderName !== undefined)
      await world.change({ type: 'add-learner', id: 7, name: 'd', address: 'd' })
      world.bootJoining('d', 7)
      await world.promote(7)
      await world.agree(['a', 'b', 'c', 'd'])
      expect(world.membersBy('d')).toBe('a b c d')
      expect(world.failures).toEqual([])
    },
  )

  test('is refused while a member runs a version that knows nothing of it, and made once it is upgraded', async () => {
    world = await MembersWorld.start({ initial: 3, oldVersions: ['c'] })
    await world.until(() => world.any.status.followers.every(({ matchIndex }) => matchIndex > 0))
    if (world.leaderName === 'c') await world.lead('a')
    const change = { type: 'add-learner', id: 7, name: 'd', address: 'd' } as const
    await expect(world.change(change)).rejects.toMatchObject({ code: 'MEMBERS_TOO_OLD' })
    expect(world.any.addressBook.find(7)).toBeUndefined()
    world.oldVersions.clear()
    world.restart('c')
    await world.until(() => world.members.has('c'))
    await world.world.pass(1000)
    await world.change(change)
  })
})

describe('a member that joined', () => {
  test('and whose directory is emptied comes back to what it was, and is counted no earlier than it has that', async () => {
    world = await MembersWorld.start({ initial: 2 })
    const id = await world.add('c')
    await write(10)
    world.crash('c')
    world.world.place('c').disk.wipe()
    world.boot('c')
    await world.until(() => world.members.has('c'))
    expect(world.member('c').status.promises).toBe('lost')
    await world.until(() => world.member('c').status.promises === 'kept')
    await world.agree(['a', 'b', 'c'])
    expect(world.member('c').status.voters).toContain(id)
  })

  test('and leads is heard also by one that was away when it came, and does not know it', async () => {
    world = await MembersWorld.start({ initial: 3 })
    await world.lead('a')
    world.crash('b')
    await world.add('d')
    await world.lead('d')
    await world.change({ type: 'remove', id: world.idOf('a') })
    world.boot('b')
    await world.until(() => world.members.has('b') && world.member('b').status.leader === world.idOf('d'))
    await world.agree(['b', 'c', 'd'])
    expect(world.membersBy('b')).toBe('b c d')
  })

  test('knows after each crash that it joined: with an empty log it never campaigns', async () => {
    world = await MembersWorld.start()
    await world.change({ type: 'add-learner', id: 7, name: 'b', address: 'b' })
    world.world.network.cut('a', 'b')
    world.bootJoining('b', 7)
    for (let life = 0; life < 3; life++) {
      await world.until(() => world.members.has('b'))
      await world.world.pass(2000)
      expect(world.member('b').status).toMatchObject({ role: 'follower', term: 0, voters: [], promises: 'lost' })
      world.restart('b', 'power')
    }
    world.world.network.healAll()
    await world.promote(7)
    await world.put('works', 'yes', 'b')
  })

  test('is part of the majority that goes on when the first ones are gone', async () => {
    world = await MembersWorld.start()
    for (const name of ['b', 'c']) await world.add(name)
    world.crash('a')
    await world.until(() => world.leaderName !== undefined)
    await world.put('without', 'a')
    for (const name of ['b', 'c']) world.restart(name, 'power')
    await world.until(() => world.members.size === 2 && world.leaderName !== undefined)
    expect(await world.get('without', 'b')).toBe('a')
    // The first one was a cluster of its own when it was started; it knows better now.
    world.boot('a')
    await world.until(() => world.members.has('a') && world.member('a').status.leader !== 0)
    await world.agree(['a', 'b', 'c'])
  })
})

describe('a member that was removed', () => {
  test('takes its alarms with it', async () => {
    world = await MembersWorld.start({ initial: 3 })
    await world.lead('a')
    const alarm = { type: 'alarm', action: 'activate', alarm: 'no-space', member: world.idOf('c') } as const
    await world.member('a').propose(alarm, MEMBER, world.limitsAt('a'))
    await expect(world.put('no', 'space')).rejects.toMatchObject({ code: 'NO_SPACE' })
    await world.change({ type: 'remove', id: world.idOf('c') })
    await world.put('some', 'space')
    expect(world.any.status.alarms).toEqual([])
  })

  test('ends what waits on it, and says so once', async () => {
    const told: MemberEvent['type'][] = []
    world = await MembersWorld.start({
      initial: 3,
      observe: (name, { type }) => {
        if (name === 'c' && (type === 'removed' || type === 'failed')) told.push(type)
      },
    })
    await world.lead('a')
    const waiting = world
      .member('c')
      .confirmRead({ deadlineMs: Infinity })
      .then(() => world.member('c').confirmRead({ deadlineMs: Infinity }))
    world.world.network.cut('a', 'c')
    world.world.network.cut('b', 'c')
    const stuck = world.member('c').propose({ type: 'compact', revision: 1 }, MEMBER, { deadlineMs: Infinity })
    await world.change({ type: 'remove', id: world.idOf('c') })
    world.world.network.healAll()
    await expect(stuck).rejects.toMatchObject({ code: 'MEMBER_REMOVED', outcome: 'unknown' })
    await waiting.catch(() => undefined)
    expect(told).toEqual(['removed'])
    const { term } = world.any.status
    await world.world.pass(5000)
    expect(world.any.status.term).toBe(term)
  })
})

describe('a member without its state', () => {
  test('does not believe in the voters of the beginning, who may be gone', async () => {
    world = await MembersWorld.start({ initial: 3, open: SHORT })
    await world.lead('a')
    await world.add('d')
    await write(40)
    world.crash('b')
    const { disk } = world.world.place('b')
    disk.rot('unopenable', 'state')
    world.boot('b')
    await world.until(() => world.members.has('b'))
    await world.until(() => world.member('b').status.voters.length === 4 && !world.member('b').status.awaitsState)
    await world.agree(['a', 'b', 'c', 'd'])
  })
})
