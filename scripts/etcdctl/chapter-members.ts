import { idOf, roles } from './chapter-maintenance.js'
import type { Side } from './side.js'

/** member list, add, update, promote, remove; and that a member which is killed is not missed. */
export async function members(side: Side): Promise<void> {
  await side.run(['member', 'list'], { note: 'exit code' })
  remarkSorted(side, (await side.run(['member', 'list'], { note: 'nothing' })).out)
  await side.run(['member', 'add', 'd'])
  await side.run(['member', 'add', 'd', '--peer-urls=nonsense'])
  await side.run(['member', 'add', 'd', `--peer-urls=${side.member('a').peer}`])
  await side.run(['member', 'remove', '123'])
  await side.run(['member', 'remove', 'xyz'])
  await side.run(['member', 'promote', '123'])
  await side.run(['member', 'promote', await idOf(side, 'a')])
  await side.run(['member', 'update', '123', '--peer-urls=https://127.0.0.1:9'])
  await learner(side)
  await voter(side)
  await killed(side)
}

/** It is added, started, promoted, removed. */
async function learner(side: Side): Promise<void> {
  const { peer } = await side.place('d')
  side.forget('d')
  await added(side, ['member', 'add', 'd', '--learner', `--peer-urls=${peer}`])
  side.members.push({ name: 'd', client: side.names.valueOf('<client d>'), peer })
  const id = await idOf(side, 'd')
  side.names.setId(BigInt(`0x${id}`), '<member d>')
  const old = side.members.slice(0, 3).map(({ client }) => client)
  remarkSorted(side, (await side.run(['member', 'list'], { endpoints: old, note: 'nothing' })).out)
  await side.run(['member', 'promote', id], { endpoints: old })
  await side.startMember('d', 'existing')
  remarkSorted(side, (await side.run(['member', 'list'], { endpoints: old, note: 'nothing' })).out)
  // etcd 3.4 refuses with a status after which etcdctl tries a hundred times.
  const { code, err } = await side.run(['get', 'kept'], { endpoints: [side.member('d').client], note: 'nothing' })
  side.remark(`a learner serves no linearizable read: ${code} ${/Error: .*/.exec(err)?.[0] ?? ''}`)
  await side.run(['get', 'kept', '--consistency=s'], { endpoints: [side.member('d').client] })
  await promoted(side, id, old)
  await side.run(['member', 'promote', id], { endpoints: old })
  await side.run(['put', 'through d', 'value'], { endpoints: [side.member('d').client] })
  await side.run(['member', 'remove', id], { endpoints: old })
  await side.run(['member', 'remove', id], { endpoints: old })
  await side.stopMember('d')
  side.forget('d')
  remarkSorted(side, (await side.run(['member', 'list'], { note: 'nothing' })).out)
}

async function promoted(side: Side, id: string, endpoints: readonly string[]): Promise<void> {
  for (let at = 0; at < 100; at++) {
    if ((await side.run(['member', 'promote', id], { endpoints, note: 'nothing' })).code === 0) {
      side.remark('the learner is promoted once it has caught up')
      return
    }
  }
  side.remark('the learner cannot be promoted')
}

/** As most people add one: at once, and started then. */
async function voter(side: Side): Promise<void> {
  const { peer } = await side.place('e')
  side.forget('e')
  await added(side, ['member', 'add', 'e', `--peer-urls=${peer}`])
  side.members.push({ name: 'e', client: side.names.valueOf('<client e>'), peer })
  const id = await idOf(side, 'e')
  side.names.setId(BigInt(`0x${id}`), '<member e>')
  await side.startMember('e', 'existing')
  const old = side.members.slice(0, 3).map(({ client }) => client)
  for (let at = 0; at < 100; at++) {
    const { out } = await side.run(['member', 'list'], { endpoints: old, note: 'nothing' })
    if (/started, e, .*, false/.test(out)) break
  }
  remarkSorted(side, (await side.run(['member', 'list'], { endpoints: old, note: 'nothing' })).out)
  await side.run(['get', 'through d'], { endpoints: [side.member('e').client] })
  await side.run(['member', 'remove', id], { endpoints: old })
  await side.stopMember('e')
  side.forget('e')
}

async function killed(side: Side): Promise<void> {
  const { leader } = await roles(side)
  await side.stopMember(leader)
  const rest = side.members.filter(({ name }) => name !== leader).map(({ client }) => client)
  // The election may take longer than etcdctl waits.
  const put = () => side.run(['put', 'without the leader', 'value'], { endpoints: rest, note: 'nothing' })
  for (let tries = 1; (await put()).code !== 0; tries++) {
    if (tries === 5) throw new Error(`${side.name} takes no write once its leader is killed`)
  }
  await side.run(['endpoint', 'health', '--cluster'], { endpoints: rest, note: 'exit code' })
  await side.startMember(leader, 'new')
  await side.run(['get', 'without the leader'], { endpoints: [side.member(leader).client] })
}

/** The id is another one each time; what is said of it is not. */
async function added(side: Side, words: readonly string[]): Promise<void> {
  const endpoints = side.members.map(({ client }) => client)
  const { code, out } = await side.run(words, { endpoints, note: 'nothing' })
  const [id] = /[0-9a-f]{8,16}/.exec(out) ?? []
  if (id !== undefined) side.names.setId(BigInt(`0x${id}`), `<member ${words[2] ?? ''}>`)
  // ETCD_INITIAL_CLUSTER has the members in no order.
  const sorted = out.replace(/"(.*=https?:.*)"/, (_, cluster: string) => `"${cluster.split(',').sort().join(',')}"`)
  side.remark(`$ etcdctl ${words.join(' ')}\n${sorted}exit code ${code}`)
}

function remarkSorted(side: Side, list: string): void {
  const named = side.names.in(list).trimEnd().split('\n').sort()
  side.remark(`members:\n${named.join('\n')}`)
}
