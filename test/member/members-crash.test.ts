/** Every member killed at every point of a change: whoever asked for it asks again, and the cluster goes on as one. */
import { expect, test } from 'vitest'
import { isStoreError } from '../../src/base/errors.js'
import type { MemberEvent } from '../../src/member/event.js'
import { MembersWorld, NotRunning } from './members-world.js'

/** Where something becomes durable or takes effect: between two of these a crash is the same as at one of them. */
const POINTS: ReadonlySet<MemberEvent['type']> = new Set([
  ...(['write-begun', 'write-durable', 'applied', 'state-write-begun', 'state-durable'] as const),
  ...(['state-install-begun', 'state-adopted', 'message-received'] as const),
])

interface Crash {
  readonly victim: string
  /** Which of its points. */
  readonly nth: number
  readonly seed: number
  readonly power: boolean
}

/** Adds d, promotes it and removes a, while the victim is killed once, and opened again a little later. */
async function changeAndCrash({ victim, nth, seed, power }: Crash): Promise<boolean> {
  let passed = 0
  let armed = false
  let crashed = false
  const open = seed % 2 === 0 ? {} : { stateBufferBytesMax: 500, logRetainBytes: 1000 }
  const world = await MembersWorld.start({
    ...{ seed, initial: 3, open },
    observe: (name, { type }) => {
      if (!armed || crashed || name !== victim || !POINTS.has(type) || passed++ !== nth) return
      crashed = true
      const timers = world.world.scheduler.timersOf()
      timers.after(0, () => {
        world.crash(victim, power ? 'power' : 'process')
        timers.after(nth % 3 === 0 ? 1 : 700, () => {
          world.boot(victim)
        })
      })
    },
  })
  for (let key = 0; key < 8; key++) await world.put(`key ${key}`, 'x'.repeat(300))
  armed = true
  const id = 77
  const address = 'd'
  await insist(world, () => world.change({ type: 'add-learner', id, name: 'd', address }, asker(world), 3000))
  world.bootJoining('d', id)
  await insist(world, () => world.put('in between', '1', asker(world)))
  await insist(world, () => world.change({ type: 'promote', id }, asker(world), 3000))
  await insist(world, () => world.change({ type: 'remove', id: world.idOf('a') }, asker(world), 3000))
  await insist(world, () => world.put('after', '2', asker(world)))
  armed = false
  await world.world.pass(10)
  const rest = ['b', 'c', 'd']
  await world.until(() =>
    rest.every((name) => world.members.has(name) && world.member(name).status.promises === 'kept'),
  )
  await world.until(() => rest.every((name) => world.membersBy(name) === 'b c d'))
  await world.agree(rest)
  await world.until(() => world.members.has('a') && world.member('a').removed)
  for (const name of rest) {
    expect([
      await world.get('key 0', name),
      await world.get('in between', name),
      await world.get('after', name),
    ]).toEqual(['x'.repeat(300), '1', '2'])
  }
  expect(world.failures).toEqual([])
  await world.stop()
  return crashed
}

/** A member that runs and was not removed; not always the leader. */
function asker(world: MembersWorld): string {
  const running = [...world.members].filter(([, member]) => !member.stopped).map(([name]) => name)
  return running[Math.floor(world.world.nowMs) % running.length] ?? 'b'
}

/** As a user does who does not know what became of the call. */
async function insist(world: MembersWorld, call: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; tries < 50; tries++) {
    const given = await Promise.race([
      call().then(
        () => 'done' as const,
        (error: unknown) => error as Error,
      ),
      world.world.pass(4000).then(() => 'silence' as const),
    ])
    // One that came through after all: asked for again, it votes already.
    if (given === 'done' || isStoreError(given, 'NOT_A_LEARNER')) return
    const goesOn =
      given === 'silence' || (isStoreError(given) && MAY_PASS.has(given.code)) || given instanceof NotRunning
    if (!goesOn) throw given
    await world.world.pass(100)
  }
  throw new Error('it did not come about')
}

const MAY_PASS = new Set([
  ...['TIMEOUT', 'LEARNER_NOT_READY', 'QUORUM_AT_RISK', 'STATE_REPLACED'],
  ...['MEMBER_REMOVED', 'CLOSED', 'TOO_MANY_REQUESTS'],
])

const POINTS_TRIED = Number(process.env['MEMBERS_CRASH_POINTS'] ?? 4)

test.each(['a', 'b', 'c', 'd'])('the change is made whenever %s is killed', { timeout: 120_000 }, async (victim) => {
  let crashes = 0
  for (let at = 0; at < POINTS_TRIED; at++) {
    const crash = {
      victim,
      nth: process.env['MEMBERS_CRASH_POINTS'] === undefined ? at * 9 : at,
      seed: at + victim.charCodeAt(0),
      power: at % 4 === 3,
    }
    try {
      if (await changeAndCrash(crash)) crashes++
    } catch (error) {
      throw new Error(`${JSON.stringify(crash)}: ${(error as Error).message}`, { cause: error })
    }
  }
  expect(crashes).toBeGreaterThan(POINTS_TRIED / 2)
})
