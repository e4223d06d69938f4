/** Barriers: who comes while one is held waits, and goes on with its release. */
import { Barrier } from '../../recipes/barrier/barrier.js'
import { DoubleBarrier } from '../../recipes/barrier/double-barrier.js'
import { Session } from '../../recipes/session/session.js'
import { equal, rejectsWith } from './check.js'
import type { StoreTests } from './store-tests.js'
import { settledOf, until } from './waiting.js'

const NAME = 'barriers/one'

export const barriers: StoreTests = {
  'whoever comes to a barrier that is held waits until it is released': async (store) => {
    const barrier = new Barrier(store, NAME)
    await barrier.wait()
    await barrier.hold()
    equal(await barrier.held(), true, 'held')
    const waiting = [new Barrier(store, NAME).wait(), new Barrier(store, NAME).wait()]
    const gone = waiting.map(settledOf)
    await barrier.hold()
    equal(
      gone.map((each) => each()),
      [false, false],
      'who went on while it was held',
    )
    await barrier.release()
    await Promise.all(waiting)
    equal(await barrier.held(), false, 'held after its release')
    await barrier.release()
  },

  'a barrier falls with the session that holds it': async (store) => {
    const session = await Session.open(store, { ttlMs: 30_000 })
    await new Barrier(store, NAME).hold({ session })
    const waiting = new Barrier(store, NAME).wait()
    await session.close()
    await waiting
    await rejectsWith('LOCK_LOST', () => new Barrier(store, NAME).hold({ session }), 'a hold of a session that is over')
  },

  'the parties of a double barrier begin together, and leave together': async (store) => {
    const barrier = new DoubleBarrier(store, NAME, { parties: 2 })
    const entering = barrier.enter()
    const entered = settledOf(entering)
    await until(store, async () => (await barrier.parties()).waiting.length === 1)
    equal(entered(), false, 'one party alone has entered')
    const other = await new DoubleBarrier(store, NAME, { parties: 2 }).enter()
    const party = await entering
    equal([party.round, other.round], [1, 1], 'rounds')
    const leaving = party.leave()
    const left = settledOf(leaving)
    await until(store, async () => (await barrier.parties()).inside.length === 1)
    equal(left(), false, 'one party alone has left')
    await other.leave()
    await leaving
    const next = await Promise.all([barrier.enter(), barrier.enter()])
    equal(
      next.map(({ round }) => round),
      [2, 2],
      'the round afterwards',
    )
    await Promise.all(next.map((each) => each.leave()))
  },

  'a wait at a barrier ends with its time': async (store) => {
    const barrier = new Barrier(store, NAME)
    await barrier.hold()
    await rejectsWith('TIMEOUT', () => barrier.wait({ timeoutMs: 50 }), 'a wait')
  },
}
