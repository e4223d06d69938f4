/** Starting, closing, restarting, moving. */
import { isStoreError } from '../../base/errors.js'
import { check, equal, failureOf, rejectsWith } from './check.js'
import { numbered, numberOf } from './transport-world.js'
import type { End, TransportTests } from './transport-world.js'

export const lifecycleTests: TransportTests = {
  'reports nothing and takes nothing before its start': async (world) => {
    const a = await world.open(1)
    const transport = world.harness.transport()
    equal(transport.address, undefined, 'address before the start')
    transport.setPeers([{ id: 1, address: a.address }])
    equal(transport.send(1, numbered(0)), false, 'result of sending before the start')
    const b = world.adopt(transport, 2)
    a.setPeers()
    await b.start()
    a.setPeers(b)
    await b.reported('reachable', a.id)
    check(b.send(a, numbered(0)), 'the peers set before the start were forgotten')
    await a.received(1)
  },

  'refuses to start twice': async (world) => {
    const [a] = await world.pair()
    const error = await failureOf(() => a.start())
    check(error instanceof TypeError, `a second start ended with ${String(error)}`)
    equal(typeof a.transport.address, 'string', 'address after a second start')
  },

  'refuses to start where another one listens, and may start later': async (world) => {
    const a = await world.open(1)
    const b = world.adopt(world.harness.transport(a.address), 2)
    await rejectsWith('ADDRESS_IN_USE', () => b.start(), 'a start')
    await a.transport.close()
    await b.start()
    equal(b.transport.address, a.address, 'address that became free')
  },

  'refuses an identity that is none': async (world) => {
    for (const id of [0, -1, 1.5, 2 ** 53]) {
      const error = await failureOf(() => world.adopt(world.harness.transport(), id).start())
      check(error instanceof RangeError, `member ${id} ended with ${String(error)}`)
    }
  },

  'is silent after its close': async (world) => {
    const [a, b] = await world.pair()
    for (let nth = 0; nth < 100; nth++) b.send(a, numbered(nth))
    const closing = a.transport.close()
    const calls = a.calls
    await Promise.all([closing, a.transport.close()])
    await b.reported('unreachable', a.id)
    equal(b.send(a, numbered(0)), false, 'result of sending to a closed peer')
    equal(a.send(b, numbered(0)), false, 'result of sending after the close')
    a.setPeers(b)
    await world.settle()
    equal(a.calls, calls, 'calls of the handler')
    await rejectsWith('CLOSED', () => a.start(), 'a start')
  },

  'closes without a start, and while it starts': async (world) => {
    const a = world.adopt(world.harness.transport(), 1)
    await a.transport.close()
    await rejectsWith('CLOSED', () => a.start(), 'a start')
    const b = world.adopt(world.harness.transport(), 2)
    const started = failureOf(() => b.start())
    await b.transport.close()
    const error = await started
    check(error === undefined || isStoreError(error, 'CLOSED'), `the start ended with ${String(error)}`)
    await world.settle()
    equal(b.calls, 0, 'calls of the handler')
  },

  'may be closed from inside its handler': async (world) => {
    const [a, b] = await world.pair()
    a.onFrameNow = () => void a.transport.close()
    for (let nth = 0; nth < 50; nth++) b.send(a, numbered(nth))
    await b.reported('unreachable', a.id)
    await world.settle()
    equal(a.frames.length, 1, 'frames delivered to a handler that closed its transport')
  },

  'finds a peer again that restarted': async (world) => {
    const [a, b] = await world.pair()
    for (let life = 1; life <= 3; life++) {
      const dying = life === 1 ? b : (world.ends.at(-1) as End)
      await dying.transport.close()
      await a.reported('unreachable', b.id, life)
      const reborn = world.adopt(world.harness.transport(b.address), b.id)
      await reborn.start()
      reborn.setPeers(a)
      await Promise.all([a.reported('reachable', b.id, life + 1), reborn.reported('reachable', a.id)])
      check(a.send(reborn, numbered(life)), 'a frame to the restarted peer was dropped')
      check(reborn.send(a, numbered(life)), 'a frame from the restarted peer was dropped')
      await Promise.all([reborn.received(1), a.received(life)])
      equal(reborn.frames.map(numberOf), [life], 'frames that arrived after the restart')
    }
    const types = a.reports.map(({ type }) => type)
    check(
      types.every((type, at) => type !== types[at - 1]),
      `reports do not alternate: ${types.join(', ')}`,
    )
  },

  'follows a peer to another address': async (world) => {
    const [a, b] = await world.pair()
    await b.transport.close()
    await a.reported('unreachable', b.id)
    const moved = await world.open(b.id)
    moved.setPeers(a)
    a.setPeers(moved)
    await Promise.all([a.reported('reachable', b.id, 2), moved.reported('reachable', a.id)])
    check(a.send(moved, numbered(1)), 'a frame to the new address was dropped')
    await moved.received(1)
  },
}
