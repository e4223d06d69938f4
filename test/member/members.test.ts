/** Members that come and go, while the cluster goes on. */
import { afterEach, describe, expect, test } from 'vitest'
import type { AuthCommand } from '../../src/auth/command.js'
import { ANONYMOUS, MEMBER, type Identity } from '../../src/machine/identity.js'
import type { MemberEvent } from '../../src/member/event.js'
import { caughtUpPercent } from '../../src/member/members-change.js'
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

  test('shrinks from three to one, and the last one goes on alone', async () => {
    world = await MembersWorld.start({ initial: 3 })
    await world.put('before', 'three')
    const leader = world.leaderName as string
    for (const name of ['a', 'b', 'c'].filter((each) => each !== leader)) {
      await world.change({ type: 'remove', id: world.idOf(name) })
      await world.until(() => world.member(name).removed)
    }
    expect(world.membersBy(leader)).toBe(leader)
    await world.put('after', 'one')
    world.restart(leader)
    await world.until(() => world.leaderName === leader)
    expect([await world.get('before', leader), await world.get('after', leader)]).toEqual(['three', 'one'])
    await expect(world.change({ type: 'remove', id: world.idOf(leader) })).rejects.toMatchObject({
      code: 'QUORUM_AT_RISK',
    })
    expect(world.failures).toEqual([])
  })

  test('replaces a member that is lost for good, with its disk', async () => {
    world = await MembersWorld.start({ initial: 3 })
    await world.lead('a')
    world.crash('c')
    await world.put('meanwhile', 'two')
    await world.change({ type: 'remove', id: world.idOf('c') })
    await world.add('d')
    await world.agree(['a', 'b', 'd'])
    expect(world.membersBy('d')).toBe('a b d')
    expect(await world.get('meanwhile', 'd')).toBe('two')
    // The lost one comes back after all: it is told, and ends without disturbing anybody.
    const { term } = world.any.status
    world.boot('c')
    await world.until(() => world.members.has('c') && world.member('c').removed)
    await world.world.pass(3000)
    expect(world.any.status.term).toBe(term)
    await expect(world.put('by', 'c', 'c')).rejects.toMatchObject({ code: 'MEMBER_REMOVED' })
    // And again, after it was opened once more.
    world.restart('c')
    await world.until(() => world.members.has('c') && world.member('c').removed)
  })

  test('whose leader removes itself goes on with another, and the caller is answered', async () => {
    world = await MembersWorld.start({ initial: 3 })
    const leader = world.leaderName as string
    await world.change({ type: 'remove', id: world.idOf(leader) }, leader)
    await world.until(() => world.member(leader).removed && world.leaderName !== undefined)
    expect(world.leaderName).not.toBe(leader)
    await world.put('after', 'two')
    expect(world.any.addressBook.members).toHaveLength(2)
    expect(world.any.addressBook.removed).toEqual([world.idOf(leader)])
  })

  test('is asked for a change through any member, also through a learner, which serves like the others', async () => {
    world = await MembersWorld.start()
    const b = await world.addLearner('b')
    await world.until(() => world.members.has('b'))
    await world.put('by', 'a learner', 'b')
    expect(await world.get('by', 'b')).toBe('a learner')
    await world.until(() => world.member('b').status.promises === 'kept')
    await world.change({ type: 'promote', id: b }, 'b')
    expect(world.member('a').status.voters).toContain(b)
    await world.change({ type: 'add-learner', id: 7, name: 'c', address: 'c' }, 'b')
    await world.change({ type: 'update', id: 7, address: 'd' }, 'b')
    expect(world.member('a').addressBook.find(7)?.address).toBe('d')
    // All of it may be asked for again.
    await world.change({ type: 'update', id: 7, address: 'd' }, 'b')
    await world.change({ type: 'remove', id: 7 }, 'b')
    await world.change({ type: 'remove', id: 7 }, 'a')
  })

  test('refuses what would be wrong, with the reason', async () => {
    world = await MembersWorld.start()
    const [a, b] = [world.idOf('a'), await world.addLearner('b')]
    const refused = (change: Parameters<MembersWorld['change']>[0], code: string): Promise<void> =>
      expect(world.change(change)).rejects.toMatchObject({ code })
    await refused({ type: 'promote', id: a }, 'NOT_A_LEARNER')
    await refused({ type: 'promote', id: 3 }, 'MEMBER_NOT_FOUND')
    await refused({ type: 'remove', id: 3 }, 'MEMBER_NOT_FOUND')
    await refused({ type: 'update', id: 3, address: 'e' }, 'MEMBER_NOT_FOUND')
    await refused({ type: 'update', id: b, address: 'a' }, 'ADDRESS_TAKEN')
    await refused({ type: 'add-learner', id: 3, name: 'x', address: 'b' }, 'ADDRESS_TAKEN')
    await refused({ type: 'add-learner', id: 3, name: 'b', address: 'x' }, 'MEMBER_EXISTS')
    await refused({ type: 'add-learner', id: b, name: 'x', address: 'x' }, 'MEMBER_EXISTS')
    await refused({ type: 'add-learner', id: 3, name: 'x'.repeat(1025), address: 'x' }, 'REQUEST_TOO_LARGE')
    await refused({ type: 'remove', id: a }, 'QUORUM_AT_RISK')
    await world.change({ type: 'remove', id: b })
    await refused({ type: 'promote', id: b }, 'MEMBER_NOT_FOUND')
    await refused({ type: 'add-learner', id: b, name: 'b', address: 'b' }, 'MEMBER_EXISTS')
    await expect(world.any.moveLeader(3, MEMBER, world.limitsAt('a'))).rejects.toMatchObject({
      code: 'TRANSFEREE_INVALID',
    })
    await expect(world.any.moveLeader(undefined, MEMBER, world.limitsAt('a'))).rejects.toMatchObject({
      code: 'TRANSFEREE_INVALID',
    })
  })

  test('promotes no learner that does not answer, and takes no member away that its quorum needs, with the numbers', async () => {
    world = await MembersWorld.start({ initial: 3 })
    await world.lead('a')
    await world.change({ type: 'add-learner', id: 7, name: 'd', address: 'd' })
    await expect(world.change({ type: 'promote', id: 7 })).rejects.toMatchObject({ code: 'LEARNER_NOT_READY' })
    world.crash('c')
    await world.world.pass(1000)
    await expect(world.change({ type: 'remove', id: world.idOf('b') })).rejects.toMatchObject({
      code: 'QUORUM_AT_RISK',
      message:
        "After the change 2 of 2 voters are needed, and 1 would be there: 'c' does not answer, or lost its promises and has not caught up.",
    })
    expect(world.membersBy('a')).toBe('a b c d?')
    await world.change({ type: 'remove', id: world.idOf('c') })
    expect(world.membersBy('a')).toBe('a b d?')
  })

  test('moves its leader where it is told, from whomever it is asked', async () => {
    world = await MembersWorld.start({ initial: 3 })
    for (const [to, at] of [
      ['b', 'c'],
      ['c', 'a'],
      ['a', 'b'],
      ['a', 'c'],
    ] as const) {
      expect(await world.member(at).moveLeader(world.idOf(to), MEMBER, world.limitsAt(at))).toBe(world.idOf(to))
      expect(world.leaderName).toBe(to)
    }
    for (const at of ['a', 'b', 'c']) {
      const before = world.leaderName
      const leader = await world.member(at).moveLeader(undefined, MEMBER, world.limitsAt(at))
      expect(world.leaderName).not.toBe(before)
      expect(leader).toBe(world.idOf(world.leaderName as string))
    }
  })

  test('does not hand leadership to a member that has been down, and writes go on meanwhile', async () => {
    world = await MembersWorld.start({ initial: 3 })
    await world.lead('a')
    world.crash('c')
    await world.world.pass(1000)
    const { clock } = world.world.place('a')
    const beganMs = clock.monotonicMs()
    const moving = world.member('b').moveLeader(world.idOf('c'), MEMBER, world.limitsAt('b'))
    await expect(moving).rejects.toMatchObject({
      code: 'TRANSFEREE_INVALID',
      message: "'c' was not heard from for 300 ms, an election timeout: it would not lead.",
    })
    await world.put('key', 'x', 'a')
    expect(clock.monotonicMs() - beganMs).toBeLessThan(150)
  })

  test('gives the handing over up once where a member falls silent meanwhile, and says so', async () => {
    const transfers: MemberEvent[] = []
    const observe = (_: string, event: MemberEvent): void => {
      if (event.type === 'decided' && event.event.type === 'transfer-started') transfers.push(event)
    }
    world = await MembersWorld.start({ initial: 3, observe })
    await world.lead('a')
    transfers.splice(0)
    world.crash('c')
    const { clock } = world.world.place('a')
    const beganMs = clock.monotonicMs()
    const moving = world.member('b').moveLeader(world.idOf('c'), MEMBER, world.limitsAt('b'))
    await expect(moving).rejects.toMatchObject({
      code: 'TIMEOUT',
      outcome: 'unknown',
      message: expect.stringMatching(/^Leadership stays where it is: 'c' did not take it over within 300 ms/) as string,
    })
    await world.put('key', 'x', 'b')
    await world.world.pass(2000)
    expect(transfers).toHaveLength(1)
    expect(clock.monotonicMs() - beganMs).toBeLessThan(3000)
  })

  test('tells how far each member has come', async () => {
    world = await MembersWorld.start()
    for (let nth = 0; nth < 50; nth++) await world.put(`key ${nth}`, 'x')
    await world.change({ type: 'add-learner', id: 7, name: 'b', address: 'b' })
    const status = () => world.any.membersStatus(MEMBER, world.limitsAt('a'))
    const { members, lastIndex, leader } = await status()
    expect(leader).toBe(world.idOf('a'))
    expect(members).toMatchObject([
      { name: 'a', role: 'voter', active: true, matchIndex: lastIndex },
      { name: 'b', role: 'learner', active: false, matchIndex: 0 },
    ])
    expect(members.map((member) => caughtUpPercent(member, lastIndex))).toEqual([100, 0])
    world.bootJoining('b', 7)
    await world.until(() => world.members.has('b') && world.member('b').status.promises === 'kept')
    expect((await status()).members.map((member) => caughtUpPercent(member, lastIndex))).toEqual([100, 100])
  })

  test('gives no voter another address that the others are no quorum without, so that a wrong one is put right', async () => {
    world = await MembersWorld.start({ initial: 3 })
    await world.lead('a')
    const [a, b, c] = [world.idOf('a'), world.idOf('b'), world.idOf('c')]
    await world.change({ type: 'update', id: b, address: 'nowhere' }, 'c')
    for (const [id, name] of [
      [c, 'c'],
      [a, 'a'],
    ] as const) {
      await expect(world.change({ type: 'update', id, address: 'd' }, 'c')).rejects.toMatchObject({
        code: 'QUORUM_AT_RISK',
        message:
          `Until '${name}' is found at its new address 2 of 3 voters are needed without it, and 1 would be there: ` +
          "'b' does not answer, or lost its promises and has not caught up.",
      })
    }
    await world.put('key', 'x', 'c')
    await world.change({ type: 'update', id: b, address: 'b' }, 'c')
    // At once: it waits until that one was found.
    await world.change({ type: 'update', id: c, address: 'nowhere' })
    // Who does not answer, or is not found, may always be said to be elsewhere.
    await world.change({ type: 'update', id: c, address: 'e' }, 'b')
    await world.change({ type: 'update', id: c, address: 'c' }, 'b')
    await world.agree(['a', 'b', 'c'])
  })

  test('refuses names and addresses that are too long where they are said, also on a member that does not lead', async () => {
    world = await MembersWorld.start({ initial: 3 })
    const long = 'x'.repeat(1025)
    for (const at of ['a', 'b', 'c']) {
      for (const change of [
        { type: 'add-learner', id: 7, name: long, address: 'd' },
        { type: 'add-learner', id: 7, name: 'd', address: long },
        { type: 'update', id: world.idOf('a'), address: long },
      ] as const) {
        await expect(world.change(change, at)).rejects.toMatchObject({
          code: 'REQUEST_TOO_LARGE',
          message: expect.stringMatching(/1025 bytes, at most 1024 are possible/) as string,
        })
      }
    }
  })

  test('tells a member that its question cannot be read, so that it is not asked again and again', async () => {
    world = await MembersWorld.start({ initial: 3 })
    await world.lead('a')
    const nobody = { type: 'add-learner', id: 0, name: 'd', address: 'd' } as const
    await expect(world.change(nobody, 'b')).rejects.toMatchObject({ code: 'MALFORMED', outcome: 'refused' })
    await world.change({ ...nobody, id: 7 }, 'b')
  })

  test('of two voters gives neither another address before there is a third, and the only one any', async () => {
    world = await MembersWorld.start()
    await world.change({ type: 'update', id: world.idOf('a'), address: 'e' })
    await world.change({ type: 'update', id: world.idOf('a'), address: 'a' })
    const b = await world.addLearner('b')
    await world.change({ type: 'update', id: b, address: 'd' })
    await world.change({ type: 'update', id: b, address: 'b' })
    await world.promote(b)
    await expect(world.change({ type: 'update', id: b, address: 'd' })).rejects.toMatchObject({
      code: 'QUORUM_AT_RISK',
      message:
        "Until 'b' is found at its new address 2 of 2 voters are needed without it, and 1 would be there: " +
        'of two voters neither can do without the other. Add a third one first.',
    })
    await world.add('c')
    await world.change({ type: 'update', id: b, address: 'd' })
  })

  test('makes two changes at once one after the other', async () => {
    world = await MembersWorld.start({ initial: 3 })
    await Promise.all([
      world.change({ type: 'add-learner', id: 7, name: 'd', address: 'd' }, 'a'),
      world.change({ type: 'add-learner', id: 8, name: 'e', address: 'e' }, 'b'),
      world.change({ type: 'add-learner', id: 7, name: 'd', address: 'd' }, 'c'),
    ])
    expect(
      world.any.addressBook.members
        .map(({ id }) => id)
        .slice(3)
        .sort(),
    ).toEqual([7, 8])
  })

  test('takes changes from root alone once authorization is enabled, and tells of its members whoever is known', async () => {
    world = await MembersWorld.start()
    const auth = async (command: AuthCommand): Promise<void> => {
      await world.any.propose({ type: 'auth', command }, MEMBER, world.limitsAt('a'))
    }
    for (const name of ['root', 'ann']) await auth({ type: 'user-add', name, password: undefined })
    await auth({ type: 'user-grant-role', name: 'root', role: 'root' })
    await auth({ type: 'auth-enable' })
    const { revision: authRevision } = world.any.auth
    const [ann, root] = ['ann', 'root'].map((name) => ({ type: 'user' as const, name, authRevision }))
    const add = { type: 'add-learner', id: 7, name: 'b', address: 'b' } as const
    for (const change of [add, { type: 'promote', id: 7 }, { type: 'remove', id: 7 }] as const) {
      const asked = (by: Identity) => world.any.changeMembers(change, by, world.limitsAt('a'))
      await expect(asked(ann as Identity)).rejects.toMatchObject({ code: 'PERMISSION_DENIED' })
      await expect(asked(ANONYMOUS)).rejects.toMatchObject({ code: 'USER_EMPTY' })
    }
    const moved = world.any.moveLeader(undefined, ann as Identity, world.limitsAt('a'))
    await expect(moved).rejects.toMatchObject({ code: 'PERMISSION_DENIED' })
    expect((await world.any.membersStatus(ann as Identity, world.limitsAt('a'))).members).toHaveLength(1)
    const told = world.any.membersStatus(ANONYMOUS, world.limitsAt('a'))
    await expect(told).rejects.toMatchObject({ code: 'USER_EMPTY' })
    await world.any.changeMembers(add, root as Identity, world.limitsAt('a'))
    expect(world.membersBy('a')).toBe('a b?')
  })
})
