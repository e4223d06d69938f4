import { expect, test } from 'vitest'
import { MemoryNetwork } from '../../src/transport/memory.js'
import { ManualTime } from './manual-time.js'
import { Member } from './tcp-world.js'

const CLUSTER = { clusterId: 1 }

test('no timer is left after the close, whatever was under way', async () => {
  const time = new ManualTime()
  const network = new MemoryNetwork()
  const [a, b] = [1, 2].map((id) => new Member(id, network.transport(`p${id}`, time.timers))) as [Member, Member]
  for (const member of [a, b]) {
    member.transport.setPeers([1, 2].map((id) => ({ id, address: `p${id}` })))
    await member.transport.start({ ...CLUSTER, memberId: member.id }, member)
  }
  time.pass(0)
  expect(a.transport.send(2, { kind: 1, bytes: new Uint8Array(1) })).toBe(true)
  await b.transport.close()
  await a.transport.close()
  expect(time.pending).toBe(0)
  expect(b.frames).toEqual([])
})

test('two networks in one process know nothing of each other', async () => {
  const time = new ManualTime()
  const [a, b] = [1, 2].map((id) => new Member(id, new MemoryNetwork().transport('same', time.timers)))
  for (const member of [a, b] as [Member, Member]) {
    member.transport.setPeers([{ id: 3 - member.id, address: 'same' }])
    await member.transport.start({ ...CLUSTER, memberId: member.id }, member)
  }
  time.pass(0)
  expect([a?.reports, b?.reports]).toEqual([['-2'], ['-1']])
})
