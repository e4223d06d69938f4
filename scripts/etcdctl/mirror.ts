/** make-mirror from one side to the other: what was there before, and what comes while it runs. */
import type { Side } from './side.js'

/** Undefined: it did what it should. */
export async function mirrored(from: Side, to: Side): Promise<string | undefined> {
  const prefix = `mirrored from ${from.name}/`
  for (let at = 0; at < 5; at++) await from.run(['put', `${prefix}${at}`, `before ${at}`], { note: 'nothing' })
  const destination = to.members.map(({ client }) => client)[0] ?? ''
  const mirror = from.begin([
    'make-mirror',
    ...from.mirrorFlags,
    ...to.destinationFlags,
    `--prefix=${prefix}`,
    destination,
  ])
  const expected = new Map<string, string>()
  for (let at = 0; at < 5; at++) expected.set(`${prefix}${at}`, `before ${at}`)
  const first = await sees(to, prefix, expected)
  if (first !== undefined) return describe(first, (await mirror.interrupt('SIGINT')).err)
  // One after the other: of several changes that it is told at once, etcdctl 3.4 may lose the first.
  const changes: readonly (readonly [readonly string[], () => void])[] = [
    [['put', `${prefix}0`, 'changed'], () => expected.set(`${prefix}0`, 'changed')],
    [['del', `${prefix}1`], () => expected.delete(`${prefix}1`)],
    [['put', `${prefix}new`, 'new'], () => expected.set(`${prefix}new`, 'new')],
  ]
  let second: string | undefined
  for (const [words, expect] of changes) {
    await from.run(words, { note: 'nothing' })
    expect()
    second ??= await sees(to, prefix, expected)
  }
  const { err } = await mirror.interrupt('SIGINT')
  return second === undefined ? undefined : describe(second, err)
}

function describe(keys: string, err: string): string {
  return `there is:\n${keys}\nand etcdctl said:\n${err}`
}

/** Undefined once it does; what is there instead, after a while. */
async function sees(side: Side, prefix: string, expected: ReadonlyMap<string, string>): Promise<string | undefined> {
  const wanted = [...expected].sort().flat().join('\n')
  let seen = ''
  for (let at = 0; at < 200; at++) {
    const { out } = await side.run(['get', prefix, '--prefix'], { note: 'nothing' })
    seen = out.trimEnd()
    if (seen === wanted) return undefined
  }
  return seen
}
