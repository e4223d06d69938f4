/** Two transcripts of one chapter, entry by entry. */
import type { Listed } from './listed.js'

export interface Difference {
  readonly etcd: string | undefined
  readonly ours: string | undefined
  /** Undefined: it is not meant. */
  readonly listed: Listed | undefined
}

export function compare(
  chapter: string,
  etcd: readonly string[],
  ours: readonly string[],
  all: readonly Listed[],
): Difference[] {
  const differences: Difference[] = []
  for (let at = 0; at < Math.max(etcd.length, ours.length); at++) {
    const [one, other] = [etcd[at], ours[at]]
    if (one === other) continue
    const listed = all.find((each) => each.chapter === chapter && explains(each, one, other))
    differences.push({ etcd: one, ours: other, listed })
  }
  return differences
}

function explains(listed: Listed, etcd = '', ours = ''): boolean {
  return matches(listed.etcd, etcd) && matches(listed.ours, ours)
}

function matches(expected: string | RegExp, entry: string): boolean {
  return typeof expected === 'string' ? entry.includes(expected) : expected.test(entry)
}
