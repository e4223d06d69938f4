import type { Side } from './side.js'

/** watch, with what was written before and what comes while it runs. */
export async function watches(side: Side): Promise<void> {
  const revision = await currentRevision(side)
  await side.run(['put', 'w/1', 'one'])
  await side.run(['put', 'w/1', 'two'])
  await side.run(['del', 'w/1'])
  await side.run(['put', 'w/2', 'three'])
  await side.run(['put', 'v', 'outside'])

  const from = `--rev=${revision + 1}`
  await watch(side, ['watch', 'w/', '--prefix', from], /three/)
  await watch(side, ['watch', 'w/', '--prefix', '--prev-kv', from], /three/)
  await watch(side, ['watch', 'w/1', from], /DELETE\nw\/1/)
  await watch(side, ['watch', 'w/1', '--prev-kv', '-w', 'json', from], /"type":1/)
  await watch(side, ['watch', 'w/2', '-w', 'fields', from], /Value/)
  await watch(side, ['watch', 'w/1', 'w/3', from], /three/)
  await side.run(['watch', 'w/2', '--from-key', from], { note: 'exit code' })
  await watch(side, ['watch', '', '--prefix', from], /outside/)
  await watch(side, ['watch', 'w/2', from, '--', 'sh', '-c', 'echo "$ETCD_WATCH_EVENT_TYPE $ETCD_WATCH_KEY"'], /"w\/2"/)
  // One transaction, one batch.
  await side.run(['txn'], { input: '\nput w/3 1\nput w/4 2\ndel w/2\n\n\n' })
  await watch(side, ['watch', 'w/', '--prefix', '-w', 'json', `--rev=${revision + 6}`], /"type":1/)

  await live(side)

  await side.run(['compaction', String(revision + 4)])
  await side.run(['watch', 'w/', '--prefix', `--rev=${revision + 1}`])
  await watch(side, ['watch', 'w/', '--prefix', `--rev=${revision + 4}`], /DELETE\nw\/2/)
  await side.run(['watch'])
  await side.run(['watch', 'a', 'b', '--prefix'])
  await side.run(['watch', 'w/9', 'w/1'])
  await side.run(['del', '', '--prefix'])
}

/** Of what happens after it has begun; and several in one process. */
async function live(side: Side): Promise<void> {
  const several = ['watch', '-i']
  const running = side.begin(several, { input: 'watch live/ --prefix\n' })
  running.write('watch other\n')
  // etcdctl does not say when they have begun.
  for (let at = 0; !/live\/first\n/.test(running.out) || !/other\n/.test(running.out); at++) {
    if (at > 100) throw new Error(`the watches of ${side.name} never saw anything: ${running.out}`)
    await side.run(['put', 'live/first', '1'], { note: 'nothing' })
    await side.run(['put', 'other', '1'], { note: 'nothing' })
  }
  await side.run(['put', 'live/second', 'value'], { note: 'nothing' })
  await running.says(/live\/second\nvalue\n/)
  await running.interrupt('SIGINT')
  side.remark('two watches of one process see what is written')
  // How many it took is not the same on both sides: both go on from the same revision.
  await level(side)
}

/** So many writes that the revision is the next multiple of 100: what came before does not count any more. */
async function level(side: Side): Promise<void> {
  for (let at = await currentRevision(side); at % 100 !== 0; at++)
    await side.run(['put', 'level', `${at}`], { note: 'nothing' })
  await side.run(['del', 'live', '--prefix'], { note: 'nothing' })
  await side.run(['del', 'other'], { note: 'nothing' })
}

export async function currentRevision(side: Side): Promise<number> {
  const { out } = await side.run(['get', 'none', '-w', 'json'], { note: 'nothing' })
  return (JSON.parse(out) as { readonly header: { readonly revision: number } }).header.revision
}

async function watch(side: Side, words: readonly string[], until: RegExp): Promise<void> {
  const running = side.begin(words)
  await running.says(until)
  await side.finish(words, running)
}
