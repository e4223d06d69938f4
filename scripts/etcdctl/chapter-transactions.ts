import type { Side } from './side.js'

/** txn in its grammar, and compaction. */
export async function transactions(side: Side): Promise<void> {
  const txn = (text: string, ...flags: string[]) => side.run(['txn', ...flags], { input: text })
  await side.run(['put', 't/a', '1'])
  await side.run(['put', 't/b', '2'])
  await txn('value("t/a") = "1"\n\nput t/a 2\nget t/a\n\nget t/b\n\n')
  await txn('value("t/a") = "1"\n\nput t/a 3\n\nget t/a\nget t/b\n\n')
  await txn('\n\n\n')
  await txn('\nput t/c "with some words"\nget t/c\n\n\n')
  await txn('mod("t/a") > "0"\n\nget t/a\n\n\n')
  await txn('mod("t/missing") = "0"\n\nput t/new 1\n\n\n', '-w', 'json')
  await txn('create("t/a") < "100000"\nversion("t/a") != "7"\n\ndel t/a\n\nput t/d 1\n\n', '-w', 'json')
  await txn('ver("t/b") = "1"\nc("t/b") > "1"\nval("t/b") < "3"\n\nget t/ --prefix\n\n\n', '-w', 'fields')
  // Where etcdctl 3.4 itself breaks off, what it says are lines of its code.
  await side.run(['txn'], { input: 'lease("t/b") = "0"\n\nget t/b\n\n\n', note: 'exit code' })
  await txn('\nput t/x 1\nput t/x 2\n\n\n')
  await txn('\nput t/x 1\ndel t/ --prefix\n\n\n')
  // Not here: a read of a future revision beside a write. The members of etcd 3.4 then hold different data (issue 18667).
  await txn(`\n${Array.from({ length: 129 }, (_, at) => `put many/${at} 1`).join('\n')}\n\n\n`)
  await side.run(['txn'], { input: 'nonsense\n\n\n\n', note: 'exit code' })
  await side.run(['txn'], { input: 'mod(t/a) = 0\n\n\n\n', note: 'exit code' })
  await side.run(['txn'], { input: 'mod("t/a") ~ "0"\n\n\n\n', note: 'exit code' })
  await side.run(['txn'], { input: '\nfetch t/a\n\n\n', note: 'exit code' })
  await side.run(['txn', '-i'], { input: 'value("t/b") = "2"\n\nget t/b\n\nget t/c\n\n' })
  await side.run(['get', 't/', '--prefix', '-w', 'json'])

  await side.run(['compaction', '3'])
  await side.run(['compaction', '3'])
  await side.run(['compaction', '100000'])
  await side.run(['compaction', 'now'])
  await side.run(['compaction'])
  await side.run(['get', 't/a', '--rev=2'])
  await side.run(['compaction', '5', '--physical'])
  await side.run(['compaction', '0'])
  await side.run(['compaction', '-w', 'json', '6'])
  await side.run(['del', '', '--prefix'])
}
