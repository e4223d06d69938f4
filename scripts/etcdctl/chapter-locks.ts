import type { Side } from './side.js'

/** lock and elect: one after the other, in turn. */
export async function locks(side: Side): Promise<void> {
  await side.run(['lock', 'mutex', '--', 'echo', 'the lock was held'])
  await side.run(['lock', 'mutex', '--', 'sh', '-c', 'exit 3'])
  await side.run(['lock', 'mutex', '--ttl=5', '--', 'sh', '-c', 'echo "${ETCD_LOCK_KEY%/*} ${ETCD_LOCK_REV:+known}"'])
  await side.run(['lock'])

  const first = side.begin(['lock', 'mutex'])
  await first.says(/mutex\/[0-9a-f]+\n/)
  const second = side.begin(['lock', 'mutex', '--', 'echo', 'the second had it'])
  const waiting = await until(side, ['get', 'mutex/', '--prefix', '-w', 'fields'], /"Count" : 2/)
  side.remark(`the second waits: ${waiting}; it said ${JSON.stringify(second.out)}`)
  side.remark(`the first ends: ${(await first.interrupt('SIGINT')).code}`)
  const { code, out } = await second.end()
  side.remark(`then the second: ${code} ${out}`)
  await side.run(['get', 'mutex', '--prefix', '-w', 'fields'])

  await elections(side)
}

async function elections(side: Side): Promise<void> {
  const observer = side.begin(['elect', 'office', '--listen'])
  const one = side.begin(['elect', 'office', 'proposal of one'])
  await one.says(/office\/[0-9a-f]+\nproposal of one\n/)
  await observer.says(/proposal of one\n/)
  const two = side.begin(['elect', 'office', 'proposal of two'])
  await until(side, ['get', 'office/', '--prefix', '-w', 'fields'], /"Count" : 2/)
  side.remark(`two waits: it said ${JSON.stringify(two.out)}`)
  side.remark(`one resigns: ${(await one.interrupt('SIGINT')).code}`)
  await two.says(/proposal of two\n/)
  await observer.says(/proposal of two\n/)
  side.remark(`two leads, and whoever listens is told: ${(await two.interrupt('SIGINT')).code}`)
  side.remark(
    `observed: ${(await observer.interrupt('SIGINT')).out.replaceAll(/office\/[0-9a-f]+/g, 'office/<lease>')}`,
  )
  await side.run(['elect', 'office'])
  await side.run(['elect'])
}

async function until(side: Side, words: readonly string[], holds: RegExp): Promise<boolean> {
  for (let at = 0; at < 100; at++) {
    const { out } = await side.run(words, { note: 'nothing' })
    if (holds.test(out)) return true
  }
  return false
}
