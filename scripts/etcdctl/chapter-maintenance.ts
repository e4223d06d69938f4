import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Side } from './side.js'

/** endpoint, move-leader, snapshot save, defrag, alarm, hashkv. */
export async function maintenance(side: Side): Promise<void> {
  await side.run(['put', 'kept', 'value'])
  await side.run(['endpoint', 'health'], { note: 'lines' })
  await side.run(['endpoint', 'health', '-w', 'json'], { endpoints: [side.member('a').client] })
  await side.run(['endpoint', 'health', '--cluster'], { note: 'lines' })
  await side.run(['endpoint', 'health'], { endpoints: ['https://127.0.0.1:1'], note: 'exit code' })
  await statuses(side)
  await hashes(side)
  await leaders(side)
  await side.run(['snapshot', 'save', 'saved.db'], { endpoints: [side.member('b').client], note: 'exit code' })
  side.remark(
    `a snapshot ends with the digest of what is before it: ${statSync(join(side.folder, 'saved.db')).size % 512}`,
  )
  await side.run(['snapshot', 'save', 'saved.db'], { note: 'exit code' })
  await side.run(['snapshot', 'save'])
  await side.run(['defrag'])
  await side.run(['defrag', '--cluster'], { note: 'lines' })
  await side.run(['alarm', 'list'])
  await side.run(['alarm', 'disarm'])
  await side.run(['alarm', 'disarm', 'NOSPACE'])
  await side.run(['version'])
}

/** What is alike of a status: which members there are, one of which leads, and what follows from that. */
async function statuses(side: Side): Promise<void> {
  const { out } = await side.run(['endpoint', 'status', '-w', 'json', '--cluster'], { note: 'nothing' })
  const statuses = JSON.parse(out) as readonly { readonly Endpoint: string; readonly Status: Record<string, unknown> }[]
  const facts = statuses.map(({ Endpoint, Status }) => `${Endpoint} ${Object.keys(Status).sort().join(' ')}`)
  side.remark(side.names.in(facts.join('\n')).split('\n').sort().join('\n'))
  const leaders = new Set(statuses.map(({ Status }) => Status['leader']))
  side.remark(`members that anybody takes for the leader: ${leaders.size}`)
  for (const format of ['simple', 'table', 'fields']) {
    await side.run(['endpoint', 'status', '-w', format], { note: 'exit code' })
  }
  await side.run(['endpoint', 'status'], { endpoints: ['https://127.0.0.1:1'], note: 'exit code' })
}

/** Equal on all members, before and after a compaction. */
async function hashes(side: Side): Promise<void> {
  const distinct = async (...flags: string[]) => {
    // A follower may be a moment behind.
    for (let at = 0; at < 50; at++) {
      const { out } = await side.run(['endpoint', 'hashkv', '--cluster', '-w', 'json', ...flags], { note: 'nothing' })
      const hashes = new Set([...out.matchAll(/"hash":(\d+)/g)].map(([, hash]) => hash))
      if (hashes.size === 1) return 1
    }
    return 'several'
  }
  side.remark(`hashes of the members: ${await distinct()}`)
  await side.run(['put', 'hashed', 'value'], { note: 'nothing' })
  side.remark(`hashes of the members: ${await distinct()}`)
  await side.run(['endpoint', 'hashkv'], { note: 'exit code' })
  await side.run(['endpoint', 'hashkv', '--rev=100000'])
  await side.run(['endpoint', 'hashkv', '--rev=2'], { note: 'lines' })
}

async function leaders(side: Side): Promise<void> {
  const { leader, others } = await roles(side)
  const [other = ''] = others
  await side.run(['move-leader', 'nobody'])
  await side.run(['move-leader'])
  await side.run(['move-leader', '123'], { endpoints: [side.member(leader).client], note: 'exit code' })
  for (const through of [other, leader]) {
    const words = ['move-leader', await idOf(side, other)]
    const { code } = await side.run(words, { endpoints: [side.member(through).client], note: 'nothing' })
    side.remark(`leadership is moved through ${through === leader ? 'the leader' : 'another member'}: ${code}`)
  }
  side.remark(`the one that was named leads: ${(await roles(side)).leader === other}`)
}

export async function roles(side: Side): Promise<{ readonly leader: string; readonly others: readonly string[] }> {
  const leaders = await Promise.all(
    side.members.map(async ({ name, client }) => {
      const { out } = await side.run(['endpoint', 'status', '-w', 'fields'], { endpoints: [client], note: 'nothing' })
      const [, member] = /"MemberID" : (\d+)/.exec(out) ?? []
      const [, leader] = /"Leader" : (\d+)/.exec(out) ?? []
      return member === leader ? name : undefined
    }),
  )
  const leader = leaders.find((name) => name !== undefined)
  if (leader === undefined) throw new Error(`no member of ${side.name} leads`)
  return { leader, others: side.members.map(({ name }) => name).filter((name) => name !== leader) }
}

/** In hexadecimal, as etcdctl takes it. */
export async function idOf(side: Side, name: string): Promise<string> {
  const { out } = await side.run(['member', 'list'], { note: 'nothing' })
  const line = out.split('\n').find((each) => each.split(', ')[2] === name || each.includes(side.member(name).peer))
  if (line === undefined) throw new Error(`${name} is not in the list of members:\n${out}`)
  return line.split(',')[0] ?? ''
}
