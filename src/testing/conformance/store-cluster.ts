/**
 * Membership: listed, added to, changed and taken from. What needs a second process is not here: a member that is added is a
 * learner that never comes, which must do no harm.
 */
import type { ClusterMember, MemberProgress, NewMember } from '../../api/cluster.js'
import { check, equal, failureOf, rejectsAs, rejectsWith } from './check.js'
import type { StoreTests } from './store-tests.js'

/** Where nobody listens. */
const ADDRESS = '127.0.0.1:1'
const OTHER_ADDRESS = '127.0.0.1:2'
const LEARNER = { name: 'newcomer', address: ADDRESS, role: 'learner' } as const

const namesOf = (members: readonly ClusterMember[]): string[] => members.map(({ name }) => name)

export const membership: StoreTests = {
  'lists who belongs to the cluster, as it is told in the status too': async (store) => {
    const { name, memberId, members } = store.status()
    const listed = await store.cluster.list()
    const own = listed.find(({ id }) => id === memberId)
    equal([own?.name, own?.role], [name, 'voter'], 'this member')
    equal(await store.cluster.list({ consistency: 'local' }), listed, 'the list as this member knows it')
    equal(namesOf(listed), members.map((member) => member.name).sort(), 'the names in the status')
    equal(members.find(({ id }) => id === memberId)?.role, 'voter', 'the role in the status')
  },

  'adds a learner, once, and takes it out again': async (store) => {
    const before = await store.cluster.list()
    const added = await store.cluster.add(LEARNER)
    equal([added.name, added.address, added.role], ['newcomer', ADDRESS, 'learner'], 'the new member')
    equal(await store.cluster.add(LEARNER), added, 'the same, added again')
    equal(
      (await store.cluster.list()).find(({ id }) => id === added.id),
      added,
      'what is listed of it',
    )
    await store.put('key', 'it counts for nothing')
    equal(await store.cluster.remove('newcomer'), true, 'whether it was a member')
    equal(await store.cluster.remove('newcomer'), false, 'whether it was one still')
    equal(await store.cluster.remove({ id: added.id }), false, 'whether it was one, by its id')
    equal(await store.cluster.list(), before, 'the members at last')
    const again = await store.cluster.add(LEARNER)
    check(again.id !== added.id, 'an id was used again')
    equal(await store.cluster.remove({ id: again.id }), true, 'whether the second one was a member')
  },

  'keeps names and addresses apart': async (store) => {
    await store.cluster.add(LEARNER)
    const elsewhere = { ...LEARNER, address: OTHER_ADDRESS }
    await rejectsWith('MEMBER_EXISTS', () => store.cluster.add(elsewhere), 'the same name elsewhere')
    await rejectsWith('ADDRESS_TAKEN', () => store.cluster.add({ ...LEARNER, name: 'other' }), 'the same address')
    const moved = await store.cluster.update('newcomer', { address: OTHER_ADDRESS })
    equal(moved.address, OTHER_ADDRESS, 'its new address')
    equal(await store.cluster.update({ id: moved.id }, { address: OTHER_ADDRESS }), moved, 'the same again')
    equal((await store.cluster.add(elsewhere)).id, moved.id, 'the id of the one that has moved')
    const { name, address } = (await store.cluster.list()).find(({ role }) => role === 'voter') ?? LEARNER
    await rejectsWith('ADDRESS_TAKEN', () => store.cluster.update('newcomer', { address }), `the address of ${name}`)
  },

  'lets nobody vote or lead who has not caught up': async (store) => {
    await store.cluster.add(LEARNER)
    await rejectsWith('LEARNER_NOT_READY', () => store.cluster.promote('newcomer'), 'a learner that never came')
    await rejectsWith('TRANSFEREE_INVALID', () => store.cluster.moveLeader('newcomer'), 'a leader that does not vote')
    const { name } = store.status()
    equal((await store.cluster.promote(name)).role, 'voter', 'one that votes already')
    await store.put('key', 'the others carry on')
  },

  'tells how far an addition has come, also where it does not come to its end': async (store) => {
    const seen: MemberProgress[] = []
    const controller = new AbortController()
    const onProgress = (progress: MemberProgress): void => {
      seen.push(progress)
      if (progress.step === 'catching-up') controller.abort()
    }
    const newcomer: NewMember = { name: 'newcomer', address: ADDRESS }
    const options = { onProgress, signal: controller.signal }
    const error = await rejectsWith('ABORTED', () => store.cluster.add(newcomer, options), 'an addition')
    equal(
      seen.map(({ step, percent }) => `${step} ${percent}`),
      ['adding 0', 'catching-up 0'],
      'what was told',
    )
    check(error.message.includes('not heard from'), `how far it came is missing in: ${error.message}`)
    equal((await store.cluster.list()).find(({ name }) => name === 'newcomer')?.role, 'learner', 'what it left')
    equal(await store.cluster.remove('newcomer'), true, 'whether there was something to take back')
  },

  'puts nobody in the place of nobody': async (store) => {
    const { name } = store.status()
    const { cluster } = store
    await rejectsWith(
      'MEMBER_NOT_FOUND',
      () => cluster.replace('nobody', { name: 'newcomer', address: ADDRESS }),
      'nobody',
    )
    await rejectsWith('MEMBER_EXISTS', () => cluster.replace(name, { name, address: ADDRESS }), 'itself')
    await rejectsWith('MEMBER_NOT_FOUND', () => cluster.update('nobody', { address: ADDRESS }), 'the address of nobody')
    await rejectsWith('MEMBER_NOT_FOUND', () => cluster.promote({ id: 7 }), 'nobody by its id')
    await rejectsWith('MEMBER_NOT_FOUND', () => cluster.moveLeader('nobody'), 'leadership of nobody')
  },

  'refuses what is no member, before anything is changed': async (store) => {
    const { cluster } = store
    const wrong = (given: unknown): NewMember => given as NewMember
    for (const given of [undefined, {}, { name: '', address: ADDRESS }, { ...LEARNER, role: 'leader' }, { id: 7 }]) {
      await rejectsAs(TypeError, () => cluster.add(wrong(given)), `a member that is ${JSON.stringify(given)}`)
    }
    for (const given of [undefined, '', 7, { name: 'a' }]) {
      await rejectsAs(TypeError, () => cluster.remove(given as string), `a member given as ${JSON.stringify(given)}`)
    }
    await rejectsAs(RangeError, () => cluster.remove({ id: -1 }), 'an id that is none')
    await rejectsAs(TypeError, () => cluster.update('a', {} as { address: string }), 'no address')
    await rejectsAs(TypeError, () => cluster.list({ consistency: 'eventual' as 'local' }), 'another consistency')
    const options = { onProgress: true } as unknown as { onProgress: () => void }
    await rejectsAs(TypeError, () => cluster.add(LEARNER, options), 'progress told to nobody')
    const misspelt = { timeout: 3 } as unknown as { timeoutMs: number }
    check(
      (await failureOf(() => cluster.add(LEARNER, misspelt))) instanceof TypeError,
      'an option that there is not was taken',
    )
    equal(
      (await cluster.list()).find(({ name }) => name === LEARNER.name),
      undefined,
      'what was added all the same',
    )
  },
}
