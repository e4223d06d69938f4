/**
 * What a process asked of the system, as strace wrote it down (`-f -xx`): the calls that change files and folders, in the
 * order in which they ended, and what it said.
 *
 * Always: a call that is interrupted in the listing by one of another thread is put together again. When it began is kept:
 * a sync makes durable what was done before it began.
 */

export type Call =
  /** `begun`: how many calls had ended when this one began. */
  { readonly name: string; readonly args: string; readonly result: number; readonly begun: number }

/** Names of calls to be traced. */
export const TRACED = [
  ...['openat', 'creat', 'close', 'write', 'pwrite64', 'writev', 'pwritev', 'pwritev2', 'fsync', 'fdatasync'],
  ...['rename', 'renameat', 'renameat2', 'unlink', 'unlinkat', 'mkdir', 'mkdirat', 'rmdir', 'link', 'linkat'],
  ...['ftruncate', 'truncate', 'fallocate', 'copy_file_range', 'sendfile', 'dup', 'dup2', 'dup3', 'lseek'],
] as const

export function callsOf(trace: string): Call[] {
  const calls: Call[] = []
  const begun = new Map<string, { readonly text: string; readonly at: number }>()
  for (const line of trace.split('\n')) {
    const [, thread = '', rest = ''] = /^(\d+) +(.*)$/.exec(line) ?? []
    const unfinished = /^(.*) <unfinished \.\.\.>$/.exec(rest)
    if (unfinished !== null) {
      begun.set(thread, { text: unfinished[1] ?? '', at: calls.length })
      continue
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest)
    const start = begun.get(thread)
    if (resumed !== null) begun.delete(thread)
    const whole = resumed === null ? rest : (start?.text ?? '') + (resumed[1] ?? '')
    const [, name, args = '', result = ''] = /^(\w+)\((.*)\) += (-?\d+)/.exec(whole) ?? []
    if (name === undefined) continue
    calls.push({ name, args, result: Number(result), begun: resumed === null ? calls.length : (start?.at ?? 0) })
  }
  return calls
}

/** All strings among the arguments. */
export function stringsIn(args: string): Buffer[] {
  return [...args.matchAll(/"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?/g)].map(([, hex = '', cut]) => {
    if (cut !== undefined) throw new Error('strace cut a string: it needs a larger -s')
    return Buffer.from(hex.replaceAll('\\x', ''), 'hex')
  })
}

/** The arguments that are numbers, from the first or the last; strings and names among them are NaN. */
export function numbersIn(args: string): number[] {
  return args
    .replaceAll(/"[^"]*"/g, '""')
    .split(', ')
    .map(Number)
}
