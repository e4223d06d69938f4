/** Learners that were added to become voters: whoever leads makes them some, once they have caught up, whatever happens meanwhile. */
import { afterEach, describe, expect, test } from 'vitest'
import { MEMBER } from '../../src/machine/identity.js'
import type { MembersChange } from '../../src/member/members-change.js'
import { MembersWorld } from './members-world.js'

let world: MembersWorld
afterEach(async () => {
  await world.stop()
})

const ID = 7
const adding = (name = 'd', id = ID): MembersChange => {
  return { type: 'add-learner', id, name, address: name, becomesVoter: true }
}
const recordIn = (at: string, id = ID) => world.member(at).members.find((member) => member.id === id)
/** By what is applied there, where that is more than it was told when it joined. */
const votes = (at: string, id = ID): boolean => {
  const member = world.members.get(at)
  if (member === undefined || member.status.promises !== 'kept') return false
  return member.decidedMembers.find((each) => each.id === id)?.role === 'voter'
}

describe('a learner that is to become a voter', () => {
  test('becomes one by itself, and nothing is remembered of it; another learner stays one', async () => {
    world = await MembersWorld.start({ initial: 3 })
    await world.change(adding())
    expect(recordIn(world.leaderName as string)).toMatchObject({ role: 'learner', becomesVoter: true })
    await world.addLearner('e')
    await world.world.pass(2_000)
    expect(votes('a')).toBe(false)
    world.bootJoining('d', ID)
    await world.until(() => votes('d') && votes('a'))
    await world.world.pass(2_000)
    await world.agree(['a', 'b', 'c', 'd', 'e'])
    expect(world.membersBy('d')).toBe('a b c d e?')
    expect(recordIn('d')).toEqual({ id: ID, name: 'd', address: 'd', role: 'voter' })
  })

  test('becomes one under the next leader, and after everybody has lost power', async () => {
    world = await MembersWorld.start({ initial: 3 })
    await world.lead('a')
    await world.change(adding())
    await world.change(adding('e', 8))
    await world.lead('b')
    world.bootJoining('d', ID)
    await world.until(() => votes('b'))
    for (const name of ['a', 'b', 'c', 'd']) world.crash(name, 'power')
    for (const name of ['a', 'b', 'c', 'd']) world.boot(name)
    await world.until(() => world.members.size === 4 && world.leaderName !== undefined)
    world.bootJoining('e', 8)
    await world.until(() => votes('e', 8))
    await world.agree(['a', 'b', 'c', 'd', 'e'])
    expect(world.membersBy('e')).toBe('a b c d e')
    expect(world.failures).toEqual([])
  })

  test('that is removed before is none, and its process ends', async () => {
    world = await MembersWorld.start({ initial: 3 })
    await world.change(adding())
    await world.change({ type: 'remove', id: ID })
    world.bootJoining('d', ID)
    await world.until(() => world.members.get('d')?.removed === true)
    await world.world.pass(1_000)
    expect(world.membersBy('a')).toBe('a b c')
    await expect(world.change(adding())).rejects.toMatchObject({ code: 'MEMBER_EXISTS' })
  })

  test('is asked for again, promoted by hand and by itself, while others come and go: each is done once', async () => {
    world = await MembersWorld.start({ initial: 3, seed: 5 })
    await Promise.all([world.change(adding()), world.change(adding()), world.change(adding('e', 8), 'b')])
    world.bootJoining('d', ID)
    world.bootJoining('e', 8)
    const removed = world.change({ type: 'remove', id: world.idOf('c') })
    await Promise.all([world.promote(ID), removed])
    await world.until(() => votes('d') && votes('d', 8))
    await world.agree(['a', 'b', 'd', 'e'])
    expect(world.membersBy('a')).toBe('a b d e')
    await world.change(adding())
    expect(recordIn('a')?.becomesVoter).toBeUndefined()
  })

  test('that was added as a learner becomes one once that is asked for', async () => {
    world = await MembersWorld.start({ initial: 1 })
    const id = await world.addLearner('b')
    await world.world.pass(2_000)
    expect(world.membersBy('a')).toBe('a b?')
    await world.change(adding('b', id))
    await world.until(() => votes('b', id))
    expect(world.membersBy('b')).toBe('a b')
  })

  test.each([1, 2, 3, 4, 5, 6])('becomes one although its leader is cut off in the middle of it (%i)', async (seed) => {
    world = await MembersWorld.start({ initial: 3, seed })
    await world.lead('a')
    await world.change(adding())
    world.bootJoining('d', ID)
    await world.world.pass(seed * 40)
    // With the newcomer, or without it.
    const { network } = world.world
    for (const other of ['b', 'c', ...(seed % 2 === 0 ? ['d'] : [])]) network.cut('a', other)
    await world.world.pass(1_500)
    network.healAll()
    await world.until(() => ['a', 'b', 'c', 'd'].every((name) => votes(name)))
    await world.put('after', 'it', 'd')
    await world.agree(['a', 'b', 'c', 'd'])
    expect(world.failures).toEqual([])
  })

  test.each([0, 1, 2, 3, 4, 5, 6, 7])(
    'becomes one although everybody loses power in the middle of it (%i)',
    async (nth) => {
      let passed = 0
      let armed = false
      let bootAgain = false
      world = await MembersWorld.start({
        ...{ initial: 3, seed: nth },
        observe: (_, { type }) => {
          if (!armed || !(type === 'write-begun' || type === 'write-durable' || type === 'applied')) return
          if (passed++ !== nth * 4) return
          armed = false
          world.world.scheduler.timersOf().after(0, () => {
            for (const name of ['a', 'b', 'c', 'd']) world.crash(name, 'power')
            for (const name of ['a', 'b', 'c']) world.boot(name)
            bootAgain = true
          })
        },
      })
      await world.put('before', 'it')
      await world.change(adding())
      armed = true
      world.bootJoining('d', ID)
      await world.until(() => {
        // It is told who there is by one that runs.
        if (bootAgain && world.members.size === 3) {
          bootAgain = false
          world.boot('d')
        }
        return ['a', 'b', 'c', 'd'].every((name) => votes(name))
      })
      await world.agree(['a', 'b', 'c', 'd'])
      expect(world.failures).toEqual([])
    },
  )
})

describe('what a member announces', () => {
  const announce = (at: string, urls: readonly string[], timeoutMs?: number): Promise<void> => {
    return world.member(at).announce(urls, MEMBER, world.limitsAt(at, timeoutMs))
  }
  const urlsOf = (name: string, at: string) => recordIn(at, world.idOf(name))?.clientUrls

  test('is known to all, also through crashes, and to a member that gets a snapshot', async () => {
    world = await MembersWorld.start({ initial: 3, open: { stateBufferBytesMax: 1_000, logRetainBytes: 2_000 } })
    await Promise.all(['a', 'b', 'c'].map((name) => announce(name, [`http://${name}:2379`])))
    for (let nth = 0; nth < 60; nth++) await world.put(`key ${nth % 5}`, 'x'.repeat(200))
    await world.change(adding())
    world.bootJoining('d', ID)
    await world.until(() => votes('d'))
    await announce('d', ['http://d:2379', 'https://d:2380'])
    for (const name of ['a', 'b', 'c', 'd']) world.restart(name, 'power')
    await world.until(() => world.members.size === 4 && world.leaderName !== undefined)
    await world.put('after', 'it')
    await world.agree(['a', 'b', 'c', 'd'])
    for (const at of ['a', 'b', 'c', 'd']) {
      expect(urlsOf('a', at)).toEqual(['http://a:2379'])
      expect(urlsOf('d', at)).toEqual(['http://d:2379', 'https://d:2380'])
    }
    await world.change({ type: 'remove', id: ID })
    expect(recordIn('a')).toBeUndefined()
  })

  test('and the cluster knows already is not written again; the empty list takes it back', async () => {
    world = await MembersWorld.start({ initial: 3 })
    const lastIndex = () => world.any.status.commitIndex
    await announce('b', ['http://b:1'])
    const before = lastIndex()
    await announce('b', ['http://b:1'])
    expect(lastIndex()).toBe(before)
    await announce('b', [])
    expect(urlsOf('b', world.leaderName as string)).toBeUndefined()
    const after = lastIndex()
    expect(after).toBeGreaterThan(before)
    await announce('b', [])
    expect(lastIndex()).toBe(after)
  })

  test('stays when its address changes, and takes no address and no name back', async () => {
    world = await MembersWorld.start({ initial: 3 })
    const id = world.idOf('b')
    await world.lead('a')
    await announce('b', ['http://b:1'])
    await world.change({ type: 'update', id, address: 'd' })
    await world.change({ type: 'announce', id, name: 'other', address: 'e', clientUrls: ['http://b:2'] })
    expect(recordIn('a', id)).toMatchObject({ name: 'b', address: 'd', clientUrls: ['http://b:2'] })
  })

  test('waits for members of an older version, also while those are down; what they know of is changed', async () => {
    world = await MembersWorld.start({ initial: 3, oldVersions: ['c'], oldVersion: 2 })
    await world.until(() => world.any.status.followers.every(({ matchIndex }) => matchIndex > 0))
    if (world.leaderName === 'c') await world.lead('a')
    const leader = world.leaderName as string
    const tooOld = { code: 'MEMBERS_TOO_OLD' }
    await expect(announce('a', ['http://a:1'])).rejects.toMatchObject(tooOld)
    await expect(world.change(adding())).rejects.toMatchObject(tooOld)
    await expect(world.change({ ...adding(), name: '' } as MembersChange)).rejects.toMatchObject(tooOld)
    await world.change({ type: 'add-learner', id: ID, name: 'd', address: 'd' })
    world.crash('c')
    await world.world.pass(2_000)
    await expect(announce('a', ['http://a:1'])).rejects.toMatchObject(tooOld)
    expect(world.leaderName).toBe(leader)
    world.oldVersions.clear()
    world.boot('c')
    await world.until(() => world.members.has('c'))
    await world.world.pass(1_000)
    await announce('a', ['http://a:1'])
    await world.agree(['a', 'b', 'c'])
    expect(urlsOf('a', 'c')).toEqual(['http://a:1'])
  })

  test('waits for who was not seen yet, and for nobody once all were; the one that announces knows its own version', async () => {
    world = await MembersWorld.start({ initial: 3 })
    await world.until(() => world.any.status.followers.every(({ matchIndex }) => matchIndex > 0))
    world.crash('c')
    for (const name of ['a', 'b']) world.restart(name, 'power')
    await world.until(() => world.members.size === 2 && world.leaderName !== undefined)
    const unseen = /^'c' was not seen since the process of the leader began.*remove or replace what is gone/
    await expect(announce('a', ['http://a:1'])).rejects.toMatchObject({
      code: 'MEMBERS_TOO_OLD',
      message: expect.stringMatching(unseen) as string,
    })
    world.boot('c')
    await world.until(() => world.members.has('c'))
    await world.world.pass(1_000)
    await announce('c', ['http://c:1'])
    // There is a record now: who cannot read it is lost already.
    world.crash('c')
    for (const name of ['a', 'b']) world.restart(name, 'power')
    await world.until(() => world.members.size === 2 && world.leaderName !== undefined)
    await announce('b', ['http://b:1'])
    await world.agree(['a', 'b'])
    expect(urlsOf('b', 'a')).toEqual(['http://b:1'])
  })
})
