/** What etcdctl says beside what it was asked for: lines of its log, and its help. */

/** How our command line ends where a signal ended it, as a shell has it. */
const ENDS: readonly (readonly [string, string])[] = [
  ['exit code 130', 'exit code SIGINT'],
  ['exit code 143', 'exit code SIGTERM'],
]

export function withoutNoise(entry: string): string {
  const lines = entry.split('\n').filter((line) => !/^! \{"level":|^! .*Inappropriate ioctl/.test(line))
  const help = lines.indexOf('NAME:')
  // Behind the help, which is on standard output, the error stands twice.
  const rest = lines.findIndex((line, at) => at > help && line.startsWith('! Error: '))
  if (help >= 0 && rest >= 0) lines.splice(help, rest - help + (lines[rest + 2] === lines[rest] ? 2 : 0))
  const text = lines.join('\n').replace(/\n+(?=exit code)/, '\n')
  return ENDS.reduce((told, [ours, etcd]) => told.replace(ours, etcd), text)
}
