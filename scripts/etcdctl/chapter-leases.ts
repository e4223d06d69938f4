import type { Side } from './side.js'

/** lease grant, keep-alive, timetolive, revoke, list, and keys that hang on one. */
export async function leases(side: Side): Promise<void> {
  await side.run(['lease', 'list'])
  const one = await grant(side, '1000', '<lease 1>')
  await side.run(['put', 'leased', 'value', `--lease=${one}`])
  await side.run(['put', 'leased too', 'value', `--lease=${one}`])
  await side.run(['get', 'leased', '-w', 'json'])
  await side.run(['get', 'leased', '-w', 'fields'])
  await side.run(['lease', 'timetolive', one])
  // Of several keys etcd tells in no order.
  const { out } = await side.run(['lease', 'timetolive', one, '--keys', '-w', 'json'], { note: 'nothing' })
  side.remark(out.replace(/\[(.*)\]/, (_, keys: string) => `[${keys.split(',').sort().join(',')}]`))
  await side.run(['lease', 'timetolive', one, '-w', 'fields'])
  await side.run(['lease', 'keep-alive', one, '--once'])
  await side.run(['lease', 'keep-alive', one, '--once', '-w', 'json'])
  await side.run(['lease', 'list'])
  await side.run(['lease', 'list', '-w', 'json'])
  await side.run(['put', 'leased too', 'free now'])
  await side.run(['lease', 'timetolive', one, '--keys'])
  await side.run(['lease', 'revoke', one])
  await side.run(['get', 'leased', '--prefix'])
  await side.run(['lease', 'revoke', one])
  await side.run(['lease', 'timetolive', one])
  await side.run(['lease', 'timetolive', one, '-w', 'json'])
  await side.run(['lease', 'keep-alive', one])
  await side.run(['put', 'leased', 'value', `--lease=${one}`])

  await side.run(['lease', 'grant', 'long'])
  await side.run(['lease', 'grant', '9000000001'])
  await side.run(['lease', 'grant'])
  await side.run(['lease', 'revoke', 'xyz'])
  await side.run(['lease', 'timetolive', '123'])
  await short(side)
  await side.run(['del', '', '--prefix'])
}

/** Renewed while somebody keeps it alive, and gone with its keys when nobody does. */
async function short(side: Side): Promise<void> {
  const two = await grant(side, '2', '<lease 2>')
  await side.run(['put', 'brief', 'value', `--lease=${two}`])
  const words = ['lease', 'keep-alive', two]
  const running = side.begin(words)
  await running.says(/keepalived.*\n.*keepalived.*\n/)
  const { code } = await running.interrupt('SIGINT')
  side.remark(`a lease is kept alive until an interrupt: ${code}`)
  const until = ['watch', 'brief', '-w', 'fields']
  const watching = side.begin(until)
  await watching.says(/DELETE/)
  await watching.interrupt('SIGINT')
  side.remark('then its key is deleted')
  await side.run(['get', 'brief'])
}

async function grant(side: Side, ttl: string, name: string): Promise<string> {
  const { out } = await side.run(['lease', 'grant', ttl, '-w', 'json'], { note: 'nothing' })
  const id = /"ID":(-?\d+)/.exec(out)?.[1]
  if (id === undefined) throw new Error(`no lease was granted: ${out}`)
  side.names.setId(BigInt(id), name)
  side.remark(out)
  // As etcdctl takes it.
  return BigInt.asUintN(64, BigInt(id)).toString(16)
}
