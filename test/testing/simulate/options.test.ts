import { expect, test } from 'vitest'
import { simulate, type NodeEnvironment } from 'quorate/testing'

const cut = { atMs: 10, type: 'cut', from: 'a', to: 'b', forMs: 5 } as const

test.each<[string, object | undefined, string]>([
  ['no options', undefined, 'simulate() takes an object with at least an `app`'],
  ['no app', { app: undefined }, 'app must be a function of one environment, not undefined'],
  ['a misspelt option', { node: 3 }, 'simulate() takes no node (did you mean nodes?)'],
  ['no nodes', { nodes: 0 }, 'nodes must be a whole number from 1 to 15, or names, not 0'],
  ['an empty list of nodes', { nodes: [] }, 'nodes must have from 1 to 15 names, not 0'],
  ['nodes of one name', { nodes: ['a', 'b', 'a'] }, 'nodes names a twice'],
  ['a node without a name', { nodes: [''] }, 'nodes[0] must be a name of letters, digits, dots and dashes, not ""'],
  ['negative times', { forMs: -1 }, 'forMs must be finite and 0 or more, not -1'],
  ['endless times', { healMs: Infinity }, 'healMs must be finite and 0 or more, not Infinity'],
  ['times that are text', { restartAfterMs: '1s' }, 'restartAfterMs must be a number of milliseconds, not string'],
  ['a seed and seeds', { seed: 1, seeds: 2 }, 'seed and seeds exclude each other'],
  ['half a seed', { seed: 0.5 }, 'seed must be a whole number of at least 0, not 0.5'],
  ['no seeds', { seeds: 0 }, 'seeds must be a whole number of at least 1, not 0'],
  ['seeds without a count', { seeds: { from: 3 } }, 'seeds.count must be a whole number of at least 1, not undefined'],
  ['a check that is none', { always: true }, 'always must be a function of the world, not boolean'],
  ['marks that are none', { marks: 'a' }, 'marks must be an array of names'],
  ['half a shrinking', { shrink: 'a bit' }, 'shrink must be true or false, not string'],
  ['another way to fail', { onFailure: 'log' }, "onFailure must be 'throw' or 'return', not log"],
  ['no seeds at all', { seeds: null }, 'seeds takes a plain object of from and count, not null'],
  [
    'a delay that is no number',
    { network: { delayMsMin: NaN } },
    'network.delayMsMin must be finite and 0 or more, not NaN',
  ],
  ['a delay that is text', { network: { delayMsMin: '3' } }, 'network.delayMsMin must be a number, not string'],
  [
    'a rate below nothing',
    { network: { lossPerMillion: -1 } },
    'network.lossPerMillion must be finite and 0 or more, not -1',
  ],
  [
    'a rate above all',
    { network: { lossPerMillion: 2e6 } },
    'network.lossPerMillion must be at most 1,000,000, not 2000000',
  ],
  [
    'a kind of fault that takes more nodes',
    { nodes: 1, faults: { kinds: ['crash', 'partition'], everyMs: 5 } },
    'faults.kinds: a partition needs at least 2 nodes, and would never happen to 1',
  ],
  ['a fault between a node and itself', { faults: [{ ...cut, to: 'a' }] }, 'faults[0]: cut is between two nodes'],
  [
    'a crash at an event that there is not',
    { faults: [{ atMs: 0, type: 'crash-at', member: 'a', event: 'became-laeder', downMs: 1 }] },
    'faults[0].event must be one of became-follower,',
  ],
  ['faults that come later', { faults: async () => [cut] }, 'faults must be an array, not an object of class Promise'],
  ['a misspelt rate', { network: { loss: 5 } }, 'network takes no loss'],
  [
    'a kind of fault that is none',
    { faults: { kinds: ['crush'], everyMs: 5 } },
    'faults.kinds: there is no fault "crush"',
  ],
  [
    'no kinds',
    { faults: { kinds: [], everyMs: 5 } },
    "faults.kinds must be 'all' or an array of types of faults, not an empty one",
  ],
  ['faults all the time', { faults: { kinds: 'all', everyMs: 0 } }, 'faults.everyMs must be at least 1, not 0'],
  ['a fault of no type', { faults: [{ atMs: 5 }] }, 'faults[0].type: there is no fault undefined'],
  ['a fault of nobody', { faults: [cut, { ...cut, to: 'd' }] }, 'faults[1].to: there is no node "d", only a, b, c'],
  ['a fault in the past', { faults: [{ ...cut, atMs: -5 }] }, 'faults[0].atMs must be finite and 0 or more, not -5'],
  [
    'a fault after the end',
    { faults: [cut], forMs: 10 },
    'faults[0].atMs is 10: it would never happen in a run of forMs 10',
  ],
  [
    'a fault that lasts for no number',
    { faults: [{ ...cut, forMs: NaN }] },
    'faults[0].forMs must be finite and 0 or more, not NaN',
  ],
  [
    'a field of another fault',
    { faults: [{ ...cut, member: 'a' }] },
    'faults[0]: cut takes no member, only atMs, from, to, forMs',
  ],
  [
    'groups of nobody',
    { faults: [{ atMs: 0, type: 'partition', groups: [['a'], ['x']], forMs: 1 }] },
    'faults[0].groups[1][0]: there is no node "x"',
  ],
  [
    'a drawn fault that makes no sense',
    { faults: () => [{ ...cut, from: 'z' }] },
    'faults[0].from: there is no node "z"',
  ],
])('%s: refused with a message that says so, and nothing runs', async (_, options, message) => {
  let started = false
  const app = (): void => {
    started = true
  }
  const simulated = simulate(options === undefined ? (undefined as never) : { app, ...options })
  await expect(simulated).rejects.toThrow(message)
  await expect(simulated).rejects.toThrow(/^(?!.*undefined is not)/)
  expect(started).toBe(false)
})

test('an app must not be slept for less than nothing', async () => {
  const { failure } = await simulate({
    seed: 1,
    nodes: 1,
    forMs: 10,
    healMs: 0,
    app: (env) => env.sleep(-1),
    onFailure: 'return',
  })
  expect(failure?.message).toBe('a: RangeError: sleep() takes a number of milliseconds of 0 or more, not -1')
})

test.each<[string, object, string]>([
  ['always that is async', { always: async () => Promise.reject(new Error('lost')) }, 'always must not be async'],
  ['eventually that is async', { eventually: async () => Promise.resolve(false) }, 'eventually must not be async'],
  [
    'eventually without an answer',
    { eventually: () => undefined },
    'eventually must return true or false, not undefined',
  ],
])('%s: ends the simulation with a TypeError, and is not taken for a check that holds', async (_, checks, message) => {
  const simulated = simulate({
    seed: 1,
    nodes: 1,
    forMs: 10,
    healMs: 10,
    app: () => {},
    onFailure: 'return',
    ...checks,
  })
  await expect(simulated).rejects.toThrow(TypeError)
  await expect(simulated).rejects.toThrow(message)
})

test.each<[string, (env: NodeEnvironment) => void, string]>([
  [
    'nothing to draw from',
    (env) => void env.below(0),
    'RangeError: below() takes a whole number from 1 to 2^32, not 0',
  ],
  ['half a limit', (env) => void env.below(1.5), 'RangeError: below() takes a whole number from 1 to 2^32, not 1.5'],
  [
    'too high a limit',
    (env) => void env.below(2 ** 33),
    'RangeError: below() takes a whole number from 1 to 2^32, not 8589934592',
  ],
  ['a mark that is no name', (env) => env.mark(3 as never), 'TypeError: mark() takes a name, not number'],
  [
    'a microtask that throws',
    () => {
      queueMicrotask(() => {
        throw new Error('thrown by a microtask')
      })
    },
    'thrown by a microtask',
  ],
])('a program with %s fails with the seed', async (_, app, message) => {
  const run = simulate({ nodes: 1, seed: 7, forMs: 10, healMs: 0, app })
  await expect(run).rejects.toThrow(`seed 7: a: ${message}`)
})
