/** That the suite of transports finds what it looks for on channels, in removals and questions: each fails on a planted bug. */
import { afterEach, describe, expect, test } from 'vitest'
import { transportConformance, type TransportHarness } from '../../src/testing/conformance/transport.js'
import { MemoryNetwork } from '../../src/transport/memory.js'
import type { Transport, TransportHandler } from '../../src/transport/transport.js'
import { ManualTime } from './manual-time.js'

type Instead<Part> = Partial<Record<keyof Part, unknown>>

interface Fault {
  readonly what: string
  /** The test that is to fail. */
  readonly found: string
  readonly transport?: (of: Transport) => Instead<Transport>
  readonly handler?: (of: TransportHandler) => Instead<TransportHandler>
}

const FAULTS: readonly Fault[] = [
  {
    what: 'bulk is accepted and lost',
    found: 'delivers bulk in its order, beside main',
    transport: (of) => ({ send: (...[to, frame, channel]: Parameters<Transport['send']>) => channel === 'bulk' || of.send(to, frame) }), // prettier-ignore
  },
  {
    what: 'main has no room where bulk has none',
    found: 'takes frames on main while bulk is full',
    transport: (of) => {
      let full = false
      const send = (...[to, frame, channel]: Parameters<Transport['send']>): boolean => {
        if (full) return false
        const sent = of.send(to, frame, channel)
        full = channel === 'bulk' && !sent && frame.bytes.byteLength > 300
        return sent
      }
      return { send }
    },
  },
  {
    what: 'bulk for nobody is accepted',
    found: 'drops bulk for an unknown peer, and refuses what could never be sent',
    transport: (of) => ({ send: (...args: Parameters<Transport['send']>) => of.send(...args) || args[2] === 'bulk' }),
  },
  {
    what: 'a peer that is removed stays',
    found: 'stops both channels with a peer that is removed',
    transport: (of) => ({
      setPeers: (peers: Parameters<Transport['setPeers']>[0]) => {
        if (peers.length > 0) of.setPeers(peers)
      },
    }),
  },
  {
    what: 'each end tells a version of its own',
    found: 'tells both ends the same version',
    handler: (of) => ({ onReachable: (peer: number) => of.onReachable(peer, peer) }),
  },
  {
    what: 'a removal is told twice',
    found: 'tells a member once that it was removed, and lets it in again when it is a peer',
    handler: (of) => ({
      onRemoved: (by: number) => {
        of.onRemoved?.(by)
        of.onRemoved?.(by)
      },
    }),
  },
  {
    what: 'a removal is never told',
    found: 'tells a member once that it was removed, and lets it in again when it is a peer',
    transport: (of) => ({ setPeers: (peers: Parameters<Transport['setPeers']>[0]) => of.setPeers(peers) }),
  },
  {
    what: 'whoever is not known is told that it was removed',
    found: 'tells nobody that it was removed who only is not known',
    transport: (of) => ({ setPeers: (peers: Parameters<Transport['setPeers']>[0]) => of.setPeers(peers, [1, 2, 3]) }),
  },
  {
    what: 'who was removed stays so',
    found: 'takes a removed id that is a peer again for a peer',
    transport: (of) => ({
      setPeers: (...[peers, removed = []]: Parameters<Transport['setPeers']>) =>
        of.setPeers(peers.filter(({ id }) => !removed.includes(id)), removed), // prettier-ignore
    }),
  },
  {
    // As it is: nobody finds out on this network.
    what: 'a second process of a member is let in',
    found: 'refuses a second process of a member while the first lives',
  },
  {
    what: 'nothing is asked before the start',
    found: 'answers whoever asks, also before its start',
    transport: (of) => ({
      ask: (...args: Parameters<NonNullable<Transport['ask']>>) =>
        of.address === undefined ? Promise.reject(new Error('not started')) : of.ask?.(...args),
    }),
  },
  {
    what: 'an answer is cut',
    found: 'brings an answer as long as the limit, and none that is longer',
    transport: (of) => ({
      ask: async (...args: Parameters<NonNullable<Transport['ask']>>) => (await of.ask?.(...args))?.subarray(0, 65_536),
    }),
  },
  {
    what: 'no answer is an empty one',
    found: 'says that there is no answer where there is none',
    transport: (of) => ({
      ask: (...args: Parameters<NonNullable<Transport['ask']>>) => of.ask?.(...args).catch(() => new Uint8Array(0)),
    }),
  },
  {
    what: 'a closed transport goes on asking',
    found: 'asks nothing any more after its close',
    transport: (of) => {
      let closed = false
      return {
        close: () => {
          closed = true
          return of.close()
        },
        ask: (...args: Parameters<NonNullable<Transport['ask']>>) =>
          closed ? Promise.resolve(new Uint8Array(1)) : of.ask?.(...args),
      }
    },
  },
]

function override<Part extends object>(part: Part, instead: Instead<Part>): Part {
  return new Proxy(part, {
    get(target, name) {
      if (Object.hasOwn(instead, name)) return instead[name as keyof Part]
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value
    },
  })
}

/** Those that a test which hangs has left running. */
const times: ManualTime[] = []
afterEach(() => {
  for (const time of times.splice(0)) time.stop()
})

function harness({ transport: spoil = () => ({}), handler: spoilHandler }: Fault): TransportHarness {
  const network = new MemoryNetwork()
  const time = new ManualTime()
  const { timers } = time
  time.run()
  times.push(time)
  let places = 0
  const transport = (address = `place-${++places}`): Transport => {
    const whole = network.transport(address, timers)
    const start: Transport['start'] = (identity, handler) =>
      whole.start(identity, spoilHandler === undefined ? handler : override(handler, spoilHandler(handler)))
    return override(whole, { start, ...spoil(whole) })
  }
  return { transport, timers, refusesDuplicates: true }
}

/** What a test waits for and never comes would be the end of the framework's patience: here it is one of turns. */
async function failureOf(body: () => Promise<void>): Promise<string | undefined> {
  let failure: string | undefined
  let ended = false
  const end = (reason?: string): void => {
    failure = reason
    ended = true
  }
  body().then(
    () => end(),
    (error: unknown) => end(String(error)),
  )
  for (let turn = 0; !ended && turn < 20_000; turn++) await new Promise((resolve) => setImmediate(resolve))
  return ended ? failure : 'what is waited for does not come'
}

function testsOf(fault: Fault): ReadonlyMap<string, () => Promise<void>> {
  const tests = new Map<string, () => Promise<void>>()
  transportConformance({ test: (name, body) => void tests.set(name, body), harness: () => harness(fault) })
  return tests
}

describe('the suite of transports finds out when', () => {
  test.each(FAULTS)('$what', async (fault) => {
    expect(await failureOf(testsOf(fault).get(fault.found) as () => Promise<void>)).toBeDefined()
  })

  test('nothing is wrong', async () => {
    const tests = testsOf({ what: 'nothing', found: '' })
    for (const { found } of FAULTS) {
      if (found.startsWith('refuses a second process')) continue
      expect(await failureOf(tests.get(found) as () => Promise<void>), found).toBeUndefined()
    }
  })
})
