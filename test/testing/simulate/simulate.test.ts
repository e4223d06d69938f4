import { expect, test } from 'vitest'
import { open, type Store } from 'quorate'
import {
  simulate,
  SimulationError,
  transcript,
  type Fault,
  type RunRecord,
  type SimulateOptions,
  type SimulationFailure,
} from 'quorate/testing'

const quick = { seeds: 1, forMs: 2_000, healMs: 1_000, onFailure: 'return' } as const

async function failureOf<Observed, Exposed>(options: SimulateOptions<Observed, Exposed>): Promise<SimulationFailure> {
  const { failure } = await simulate<Observed, Exposed>({ ...quick, ...options })
  expect(failure).toBeDefined()
  return failure as SimulationFailure
}

const crash = (atMs: number, member = 'a'): Fault => ({ atMs, type: 'crash', member, disk: 'power', downMs: 500 })

test('a program runs on every node, with a store that the others share', async () => {
  const report = await simulate<string | undefined, Store>({
    seeds: 2,
    forMs: 5_000,
    app: async (env) => {
      const store = await open({ ...env.store, electionTimeoutMs: 500 })
      env.expose(store)
      await store.put(`hello/${env.node}`, 'world')
      env.mark('said hello')
    },
    faults: { kinds: ['crash', 'partition'], everyMs: 2_000 },
    eventually: ({ nodes }) => nodes.every(({ exposed }) => exposed?.status().leader !== undefined),
    atEnd: async ({ nodes }) => {
      for (const { exposed } of nodes) expect((await exposed?.range({ prefix: 'hello/' }))?.count).toBe(3)
    },
    marks: ['said hello'],
    restartAfterMs: 500,
  })
  expect(report).toMatchObject({ seeds: 2, marks: { 'said hello': 2 }, failure: undefined })
})

test('two simulations of a seed are the same, event by event, and those of two seeds are not', async () => {
  const run = async (seed: number): Promise<string> => {
    const { traceHash } = await simulate({
      seed,
      forMs: 5_000,
      app: async (env) => {
        const store = await open({ ...env.store, electionTimeoutMs: 500 })
        await store.ready()
        for (;;) {
          await store.put(`${env.below(100)}`, env.node).catch((error: unknown) => env.log(String(error)))
          await env.sleep(env.below(300))
        }
      },
      faults: { kinds: 'all', everyMs: 1_000 },
      restartAfterMs: 100,
    })
    return traceHash
  }
  const [first, again, other] = [await run(3), await run(3), await run(4)]
  expect(again).toBe(first)
  expect(other).not.toBe(first)
})

test('nothing that a process left pending when it crashed ever goes on', async () => {
  let heard = 0
  const report = await simulate<string>({
    ...quick,
    seeds: 8,
    forMs: 8_000,
    app: async (env) => {
      const says = (what: string) => (): void => env.report(what)
      env.timers.after(700, says('a timer'))
      env.sleep(900).then(says('a promise'), says('a promise'))
      env.signal.addEventListener('abort', says('the signal'))
      const store = await open({ ...env.store, electionTimeoutMs: 500 })
      store.on('failed', says('the store'))
      void (async () => {
        for await (const { key } of store.watch({ all: true })) env.report(`a watch that sees ${key}`)
      })()
      for (;;) {
        await store.put(env.node, 'value', { timeoutMs: 300 }).then(says('a write'), says('a write'))
        await env.sleep(50)
      }
    },
    faults: { kinds: ['crash', 'clog', 'crash-at'], everyMs: 700 },
    always: ({ node, observations }) => {
      if (observations.length < heard) heard = 0
      for (const { node: from, life, value } of observations.slice(heard)) {
        if (node(from).life !== life || !node(from).running)
          throw new Error(`${value} of ${from} speaks after its crash`)
      }
      heard = observations.length
    },
  })
  expect(report.failure).toBeUndefined()
  expect(report.faults.crash).toBeGreaterThan(10)
  expect(report.faults['crash-at']).toBeGreaterThan(2)
})

test.each<[string, SimulateOptions['app']]>([
  [
    'throws',
    () => {
      throw new Error('out of luck')
    },
  ],
  ['rejects', async (env) => env.sleep(100).then(() => Promise.reject(new Error('out of luck')))],
  [
    'throws in a timer',
    (env) => {
      env.timers.after(100, () => {
        throw new Error('out of luck')
      })
    },
  ],
  ['lets a promise go that rejects', (env) => void env.sleep(100).then(() => Promise.reject(new Error('out of luck')))],
])('a program that %s ends its process, and the run fails', async (_, app) => {
  const { kind, message } = await failureOf({ nodes: 1, app })
  expect({ kind, message }).toEqual({ kind: 'uncaught', message: 'a: out of luck' })
})

test('a program that threw is started again, if that was asked for, and counted', async () => {
  const report = await simulate<number>({
    ...quick,
    nodes: 1,
    forMs: 1_050,
    healMs: 0,
    restartAfterMs: 200,
    app: async (env) => {
      env.report(env.life)
      await env.sleep(100)
      throw new RangeError('out of luck')
    },
    atEnd: ({ observations }) =>
      expect(observations.map(({ atMs, value }) => [atMs, value])).toEqual([
        [0, 1],
        [300, 2],
        [600, 3],
        [900, 4],
        [1_050, 5],
      ]),
  })
  expect(report).toMatchObject({ failure: undefined, uncaught: { RangeError: 4 } })
})

test('what must always hold is asked after every event, and the run ends when it does not', async () => {
  const { kind, atMs, message } = await failureOf<string, never>({
    app: async (env) => {
      await env.sleep(env.node === 'b' ? 300 : 700)
      env.report(`${env.node} is here`)
    },
    always: ({ observations }) => {
      if (observations.length > 0) throw new Error(String(observations[0]?.value))
    },
  })
  expect({ kind, atMs, message }).toEqual({ kind: 'always', atMs: 300, message: 'b is here' })
})

test('what must hold in the end may hold late, and not never', async () => {
  const app: SimulateOptions['app'] = async (env) => {
    await env.sleep(2_500)
    env.report('late')
  }
  const late = await simulate({ ...quick, app, eventually: ({ observations }) => observations.length === 3 })
  expect(late).toMatchObject({ failure: undefined, virtualMs: 2_500 })
  const never = await failureOf({ app, eventually: ({ observations }) => observations.length === 4 })
  expect(never).toMatchObject({
    kind: 'eventually',
    message: '`eventually` returned false, 1000 ms after everything was healed',
  })
  const why = await failureOf({
    app,
    eventually: () => {
      throw new Error('one is missing')
    },
  })
  expect(why).toMatchObject({ kind: 'eventually', message: 'one is missing, 1000 ms after everything was healed' })
})

test('the check at the end may wait, and what it throws fails the run, as does that it does not end', async () => {
  const app = (): void => undefined
  const thrown = await failureOf({
    app,
    atEnd: async (world) => {
      await world.sleep(5_000)
      throw new Error(`at ${world.nowMs}`)
    },
  })
  expect(thrown).toMatchObject({ kind: 'at-end', message: 'at 8000' })
  const endless = await failureOf({ app, atEnd: () => new Promise(() => undefined) })
  expect(endless).toMatchObject({ kind: 'at-end', message: 'atEnd was not over after 60000 ms' })
})

test('a point that no seed reached fails the simulation, and one that some seed reached does not', async () => {
  const app: SimulateOptions['app'] = (env) => {
    if (env.below(4) === 0) env.mark('rare')
  }
  const options = { app, onFailure: 'return', forMs: 10, healMs: 0, seeds: 20 } as const
  const reached = await simulate({ ...options, marks: ['rare'] })
  expect(reached.failure).toBeUndefined()
  expect(reached.marks['rare']).toBeGreaterThan(0)
  const { failure } = await simulate({ ...options, marks: ['rare', 'other'] })
  expect(failure).toMatchObject({
    kind: 'marks',
    message: 'in 20 seeds nobody reached "other": more seeds, or other faults',
  })
})

test('of the faults of a run that failed, those are told that it takes', async () => {
  const others: Fault[] = [100, 600, 1_300].map((atMs) => ({ atMs, type: 'pause', member: 'b', forMs: 100 }))
  const told: SimulateOptions<string, never> = {
    app: (env) => env.report(`${env.node}${env.life}`),
    faults: [...others, crash(200, 'b'), crash(300, 'c'), crash(1_000, 'c')],
    always: ({ observations }) => {
      if (observations.some(({ value }) => value === 'c3')) throw new Error('the third life')
    },
  }
  const failure = await failureOf(told)
  expect(failure).toMatchObject({ faults: [crash(300, 'c'), crash(1_000, 'c')], faultsOfRun: 6 })
  const quickly = await failureOf({ ...told, shrink: false })
  expect(quickly).toMatchObject({ faults: told.faults, faultsOfRun: 6, message: failure.message })
})

test('a failure is thrown, and says what happened, by which faults, how it went and how to see it again', async () => {
  const simulated = simulate({
    seed: 5,
    nodes: 2,
    forMs: 2_000,
    app: (env) => {
      if (env.life === 2) env.log('wakes up with a headache')
      env.expose(env.life)
    },
    faults: [crash(1_000, 'b')],
    always: (world) => expect(world.node('b').exposed).not.toBe(2),
  })
  await expect(simulated).rejects.toBeInstanceOf(SimulationError)
  const { message, failure } = (await simulated.catch((error: unknown) => error)) as SimulationError
  expect(message).toContain('seed 5: ')
  expect(message).toContain(
    "    { atMs: 1000, type: 'crash', member: 'b', disk: 'power', downMs: 500 }, // power fails at b",
  )
  expect(message).toContain('     1.500 s  b  wakes up with a headache\n')
  expect(message).toContain('SIMULATE_SEED=5')
  expect(transcript((failure.recorded as () => RunRecord)())).toMatch(/1500\.000 +b +says +wakes up with a headache\n/)
})

test('SIMULATE_SEED replays one seed', async () => {
  process.env['SIMULATE_SEED'] = '12'
  try {
    const seen = new Set<number>()
    const report = await simulate({
      ...quick,
      seeds: 9,
      app: () => undefined,
      always: ({ seed }) => void seen.add(seed),
    })
    expect([report.seeds, ...seen]).toEqual([1, 12])
  } finally {
    delete process.env['SIMULATE_SEED']
  }
})

test('a program that is asked to stop may do so in order, and one that does not is killed', async () => {
  const { failure } = await simulate<string>({
    ...quick,
    forMs: 15_000,
    app: async (env) => {
      env.report('starts')
      if (env.node === 'b') return { [Symbol.asyncDispose]: async () => env.report('is disposed') }
      await env.sleep(60_000, env.node === 'a' ? env.signal : undefined).finally(() => env.report('stops'))
      return undefined
    },
    faults: ['a', 'b', 'c'].map((member) => ({ atMs: 1_000, type: 'restart', member, downMs: 100 })),
    atEnd: ({ observations }) => {
      const of = (name: string): unknown =>
        observations.filter(({ node }) => node === name).map(({ atMs, value }) => [atMs, value])
      expect(of('a')).toEqual([
        [0, 'starts'],
        [1_000, 'stops'],
        [1_100, 'starts'],
      ])
      expect(of('b')).toEqual([
        [0, 'starts'],
        [1_000, 'is disposed'],
        [1_100, 'starts'],
      ])
      expect(of('c')).toEqual([
        [0, 'starts'],
        [11_100, 'starts'],
      ])
    },
  })
  expect(failure).toBeUndefined()
})

test('a program that differs from run to run is found out', async () => {
  let runs = 0
  const failure = await failureOf({ app: (env) => env.report(runs++), seeds: 2 })
  expect(failure.kind).toBe('nondeterministic')
  expect(failure.message).toMatch(/\n1 .* reports \d+\n2 .* reports \d+$/)
})

const realWorld: Readonly<Record<string, () => unknown>> = {
  'new Date()': () => new Date(),
  'crypto.randomUUID()': () => crypto.randomUUID(),
  'AbortSignal.timeout()': () => AbortSignal.timeout(1_000),
  'setImmediate()': () => setImmediate(() => undefined),
}

test.each(Object.keys(realWorld))('with traps, %s throws in the code of a program, and fails the run', async (what) => {
  const use = realWorld[what] as () => unknown
  const uses: SimulateOptions['app'][] = [
    () => void use(),
    async (env) => void (await env.sleep(10), use()),
    (env) => void env.timers.after(10, use),
    async (env) => {
      const store = await open(env.store)
      await store.put('key', 'value')
      // A program that catches everything does not escape.
      for await (const _ of store.watch({ all: true }, { startRevision: 1 }))
        try {
          use()
        } catch {
          env.log('caught')
        }
    },
  ]
  for (const app of uses) {
    const { kind, message } = await failureOf({ nodes: 1, traps: true, app })
    expect({ kind, message }).toEqual({
      kind: 'not-simulated',
      message: expect.stringContaining(`a: ${what} is not simulated`) as string,
    })
  }
  use()
})

test('with traps, others may ask the real world while a simulation runs', async () => {
  let turns = 0
  let over = false
  const outsider = async (): Promise<void> => {
    while (!over) {
      for (const use of Object.values(realWorld)) use()
      await new Promise((resolve) => setImmediate(resolve))
      turns++
    }
  }
  const outside = outsider()
  const report = await simulate({
    ...quick,
    forMs: 20_000,
    traps: true,
    app: async (env) => open(env.store),
    always: () => void new Date(),
  })
  over = true
  await outside
  expect(report.failure).toBeUndefined()
  expect(turns).toBeGreaterThan(1)
})

test('what waits for the real world, and goes on after the crash of its process, is found out', async () => {
  const failure = await failureOf<string, never>({
    nodes: 1,
    forMs: 60_000,
    app: async (env) => {
      void (async () => {
        for (;;) await env.sleep(1)
      })()
      for (;;) {
        env.log('still there')
        await new Promise((resolve) => setImmediate(resolve))
      }
    },
    faults: [{ atMs: 500, type: 'crash', member: 'a', disk: 'process', downMs: 100 }],
  })
  expect(failure.kind).toBe('not-simulated')
  expect(failure.message).toContain('a goes on after its end')
})

test('a program that ends of the fault of its disk is started again, and so is one whose disk rots', async () => {
  const app: SimulateOptions<string, Store>['app'] = async (env) => {
    const store = await open({ ...env.store, electionTimeoutMs: 500 })
    env.expose(store)
    for (let nth = 0; ; nth++) {
      await store.put(env.node, `${env.life} ${nth}`, { timeoutMs: 4_000 })
      await env.sleep(100)
    }
  }
  const report = await simulate<string, Store>({
    ...quick,
    forMs: 20_000,
    app,
    faults: [
      { atMs: 3_000, type: 'sync-failure', member: 'a', downMs: 200 },
      { atMs: 6_000, type: 'disk-rot', member: 'b', rot: 'unopenable', part: 'log', downMs: 200 },
    ],
    eventually: ({ node }) => node('a').running && node('c').running && node('b').life === 2,
    atEnd: async ({ node }) => {
      expect(node('a').life).toBe(2)
      expect((await node('c').exposed?.get('a'))?.text()).toMatch(/^2 /)
      expect((await node('b').exposed?.get('b'))?.text()).toMatch(/^2 /)
      expect(node('b').exposed?.status()).toMatchObject({ promises: 'kept', damage: [expect.any(String)] })
    },
  })
  expect(report).toMatchObject({ failure: undefined, uncaught: { MEMBER_FAILED: 1 } })
})
