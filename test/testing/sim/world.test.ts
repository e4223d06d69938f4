/** Programs and stores as processes of a world: how they start, end and crash, and that nothing of a dead one runs. */
import { describe, expect, test } from 'vitest'
import type { Program, ProgramPorts, WorldEvent } from 'quorate/testing'
import { describeDifference, firstDifference } from '../../../src/testing/sim/trace.js'
import { SimWorld, type WorldOptions } from '../../../src/testing/sim/world.js'

const FOREVER = () => false

/** A world of three stores with a leader. */
async function cluster(options: Partial<WorldOptions> = {}): Promise<SimWorld> {
  const world = new SimWorld({ seed: 1, ...options })
  for (const place of world.places) world.start(place)
  expect(await world.run(() => world.statuses().some(({ role }) => role === 'leader'), 60_000)).toBe(true)
  return world
}

/** A world of one program. */
function alone(program: Program, options: Partial<WorldOptions> = {}): SimWorld {
  const world = new SimWorld({ seed: 1, members: ['a'], program, ...options })
  world.start(world.place('a'))
  return world
}

describe('a program', () => {
  test('that crashed never runs again: not its timers, not what it waits for from its disk or its peers', async () => {
    const did: string[] = []
    const world = alone(async ({ name, environment, disk, transport }) => {
      const { timers } = environment
      const tick = (): void => {
        did.push('tick')
        timers.after(10, tick)
      }
      tick()
      timers.soon(() => did.push('soon'))
      await transport.start({ clusterId: 1, memberId: 1 }, { onFrame: () => undefined, onReachable: () => undefined, onUnreachable: () => did.push('peer') }) // prettier-ignore
      transport.setPeers([{ id: 2, address: `not ${name}` }])
      await disk.acquire({ create: true })
      did.push('disk')
    })
    world.crash(world.place('a'))
    did.length = 0
    await world.run(FOREVER, 1000)
    expect(did).toEqual([])
  })

  test('has the randomness of its place and life, whatever happens elsewhere', async () => {
    const drawn = (options: { crashB: boolean }): number => {
      const numbers: number[] = []
      const program: Program = ({ name, environment }) => {
        if (name === 'a') numbers.push(environment.random.uint32())
      }
      const world = new SimWorld({ seed: 7, members: ['a', 'b'], program })
      world.start(world.place('b'))
      if (options.crashB) {
        world.crash(world.place('b'))
        world.start(world.place('b'))
      }
      world.start(world.place('a'))
      return numbers[0] ?? -1
    }
    expect(drawn({ crashB: true })).toBe(drawn({ crashB: false }))
  })

  test('is asked to end, ends in its own time, and can be started again with its disk as it was', async () => {
    const seen: string[] = []
    const program = ({ environment, onStop }: ProgramPorts): void => {
      seen.push('started')
      onStop(
        () =>
          new Promise((resolve) => {
            environment.timers.after(50, () => {
              seen.push('ended')
              resolve()
            })
          }),
      )
    }
    const world = alone(program)
    const place = world.place('a')
    world.stop(place)
    expect(place.process).toBeDefined()
    await world.run(() => place.process === undefined, 1000)
    expect(world.nowMs).toBe(50)
    world.start(place)
    expect(seen).toEqual(['started', 'ended', 'started'])
  })

  test.each([
    ['throws in an event', ({ environment }: ProgramPorts) => void environment.timers.after(1, () => { throw new Error('oops') })], // prettier-ignore
    ['rejects', async ({ environment }: ProgramPorts) => { await new Promise<void>((resolve) => void environment.timers.after(1, resolve)); throw new Error('oops') }], // prettier-ignore
    ['leaves a rejection alone', ({ environment }: ProgramPorts) => void environment.timers.after(1, () => void Promise.reject(new Error('oops')))], // prettier-ignore
    ['throws at its start', () => { throw new Error('oops') }], // prettier-ignore
  ] as [string, Program][])('that %s is named, and ends the run', async (_, program) => {
    await expect(alone(program).run(FOREVER, 10)).rejects.toThrow('nobody caught an error at a: oops')
  })

  test('that nobody caught an error of can be taken down instead', async () => {
    const program: Program = ({ environment }) => void environment.timers.after(1, () => { throw new Error('oops') }) // prettier-ignore
    const world: SimWorld = alone(program, {
      uncaught: (place) => {
        world.crash(place)
      },
    })
    await world.run(FOREVER, 10)
    expect(world.place('a').process).toBeUndefined()
  })
})

describe('a store', () => {
  test('closes when it is asked to, and its place may be started again at once after', async () => {
    const world = await cluster()
    const place = world.place('b')
    const done = place.store?.put('k', 'v')
    await world.run(() => place.store?.status().revision === 2, 5000)
    await done
    world.stop(place)
    expect(await world.run(() => place.process === undefined, 5000)).toBe(true)
    world.start(place)
    expect(await world.run(() => place.store?.status().revision === 2, 5000)).toBe(true)
  })

  test('that leads and is paused loses its lead, and learns of it when it goes on', async () => {
    const world = await cluster()
    const leader = world.places.find(({ store }) => store?.status().role === 'leader')
    if (leader === undefined) throw new Error('nobody leads')
    world.pause(leader)
    const others = world.places.filter((place) => place !== leader)
    await world.run(() => others.some(({ store }) => store?.status().role === 'leader'), 10_000)
    expect(leader.store?.status().role).toBe('leader')
    const events: (string | undefined)[] = []
    await world.run(FOREVER, 2000, (place) => events.push(place?.name))
    expect(events).not.toContain(leader.name)
    world.resume(leader)
    await world.run(() => leader.store?.status().role === 'follower', 1000)
    expect(leader.store?.status().role).toBe('follower')
  })

  test('survives a slow event loop, and clocks of different speed', async () => {
    const world = await cluster()
    const [a, b, c] = world.places
    if (a === undefined || b === undefined || c === undefined) throw new Error('three places')
    world.lag(a, 40)
    b.clock.drift(100_000)
    c.clock.drift(-100_000)
    let ended = 0
    for (const { store } of world.places) void store?.put('k', 'v').then(() => ended++)
    expect(await world.run(() => ended === 3, 10_000)).toBe(true)
  })
})

test('who observes a world is told of processes and frames, with the bytes', async () => {
  const events: WorldEvent[] = []
  const world = await cluster({ observe: (event) => events.push(event) })
  world.crash(world.place('a'), 'power')
  const processes = events.flatMap((event) => (event.subject === 'process' ? [`${event.node} ${event.event}`] : []))
  expect(processes).toEqual(expect.arrayContaining(['a start', 'b opened', 'a crash']))
  const frame = events.find((event) => event.subject === 'network')
  expect(frame?.subject === 'network' && frame.bytes?.byteLength).toBeGreaterThan(0)
})

describe('two runs of one seed', () => {
  async function run(draining: 'at-once' | 'in-turns', disturb = false): Promise<SimWorld> {
    const world = await cluster({ seed: 5, keepTrace: true, draining })
    world.network.setFaults({ delayMsMin: 1, delayMsHalf: 3, lossPerMillion: 20_000, duplicatePerMillion: 20_000, duplicateMsMax: 50 }) // prettier-ignore
    for (let round = 0; round < 20; round++) {
      for (const { store } of world.places) store?.put('k', `${round}`).catch(() => undefined)
      if (round === 7) world.crash(world.place('b'), 'power')
      if (round === 9) world.start(world.place('b'))
      if (disturb && round === 12) world.scheduler.timersOf().after(0, () => undefined)
      await world.run(FOREVER, 100)
    }
    return world
  }

  test('are the same, event by event, with promises drained in either way', async () => {
    const [one, other] = [await run('at-once'), await run('in-turns')]
    const difference = firstDifference(one.trace.lines, other.trace.lines)
    expect(difference && describeDifference(difference)).toBeUndefined()
    expect(other.trace.hash).toBe(one.trace.hash)
  })

  test('that differ by a single event show where', async () => {
    const [one, other] = [await run('at-once'), await run('at-once', true)]
    expect(other.trace.hash).not.toBe(one.trace.hash)
    const difference = firstDifference(one.trace.lines, other.trace.lines)
    if (difference === undefined) throw new Error('they are the same')
    expect(Number(difference.one?.slice(0, 12))).toBeGreaterThanOrEqual(1200)
    expect(describeDifference(difference)).toMatch(/^( .*\n){5}1 .*\n2 .*$/)
  })
})
