/** What must not pass: to and from members that are unknown, removed, elsewhere or of another cluster. */
import { check, equal } from './check.js'
import { numbered, numberOf } from './transport-world.js'
import type { TransportTests } from './transport-world.js'

export const refusalTests: TransportTests = {
  'drops what is for an unknown peer': async (world) => {
    const [a] = await world.pair()
    equal(a.transport.send(99, numbered(0)), false, 'result of sending to an unknown peer')
    equal(a.transport.send(a.id, numbered(0)), false, 'result of sending to itself')
    equal(a.transport.statistics.framesDropped, 2, 'frames counted as dropped')
  },

  'passes over its own id among the peers': async (world) => {
    const [a, b] = await world.pair()
    a.setPeers(a, b)
    check(a.send(b, numbered(0)), 'the other peer was lost')
    await b.received(1)
    await world.settle()
    equal(a.transport.send(a.id, numbered(0)), false, 'result of sending to itself')
    check(!a.reports.some(({ peer }) => peer === a.id), 'it reported about itself')
  },

  'reports a peer that is not there, once': async (world) => {
    const a = await world.open(1)
    const b = await world.open(2)
    const address = b.address
    await b.transport.close()
    a.transport.setPeers([{ id: 2, address }])
    await a.reported('unreachable', 2)
    equal(a.transport.send(2, numbered(0)), false, 'result of sending to a peer that is not there')
    await world.settle()
    equal(a.reports.length, 1, 'reports')
  },

  'delivers nothing to or from another cluster': async (world) => {
    const a = await world.open(1)
    const b = await world.open(2, { clusterId: 8 })
    await world.refuses(a, b)
  },

  'delivers nothing to another member than the one meant': async (world) => {
    const a = await world.open(1)
    const b = await world.open(3)
    a.transport.setPeers([{ id: 2, address: b.address }])
    b.setPeers(a)
    await a.reported('unreachable', 2)
    equal(a.transport.send(2, numbered(0)), false, 'result of sending')
    await world.settle()
    equal(b.frames.length, 0, 'frames that arrived at another member')
  },

  'delivers nothing from a member that is not a peer': async (world) => {
    const a = await world.open(1)
    const b = await world.open(2)
    a.setPeers(b)
    await a.reported('unreachable', b.id)
    equal(a.send(b, numbered(0)), false, 'result of sending to a peer that does not know us')
    await world.settle()
    check(b.transport.statistics.connectionsRefused > 0, 'the refusal was not counted')
    b.setPeers(a)
    await Promise.all([a.reported('reachable', b.id), b.reported('reachable', a.id)])
    check(a.send(b, numbered(1)), 'a peer that was made known was still refused')
    await b.received(1)
    equal(b.frames.map(numberOf), [1], 'frames that arrived')
  },

  'stops with a peer that is removed': async (world) => {
    const [a, b] = await world.pair()
    a.setPeers()
    equal(a.send(b, numbered(0)), false, 'result of sending to a removed peer')
    await b.reported('unreachable', a.id)
    equal(b.send(a, numbered(0)), false, 'result of sending to a member that removed us')
    await world.settle()
    equal(a.frames.length, 0, 'frames from a removed peer')
    check(!a.reports.some(({ type }) => type === 'unreachable'), 'the removed peer was reported unreachable')
    a.setPeers(b)
    await Promise.all([a.reported('reachable', b.id, 2), b.reported('reachable', a.id, 2)])
  },

  'reports an address that is none, and throws nothing': async (world) => {
    const [a, b] = await world.pair()
    a.transport.setPeers([
      { id: b.id, address: b.address },
      { id: 5, address: 'no address at all' },
    ])
    await a.reported('unreachable', 5)
    check(a.send(b, numbered(0)), 'the other peer was lost')
    await b.received(1)
  },
}
