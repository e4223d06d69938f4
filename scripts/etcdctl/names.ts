/**
 * Names for what differs from run to run and means nothing: ids, ports, times, sizes. What means something is kept: a revision
 * that is another one is a difference.
 */
import type { Member } from './side.js'
import type { Ran } from './running.js'

interface MemberList {
  readonly header: { readonly cluster_id: string }
  readonly members: readonly { readonly ID: string; readonly name: string }[]
}

/** What needs no names: how long it took, how large it is, which version it is of. */
const VALUES: readonly (readonly [RegExp, string])[] = [
  [/"ts":"[^"]*"/g, '"ts":<time>'],
  [/"caller":"[^"]*"/g, '"caller":<line>'],
  [/"target":"[^"]*"/g, '"target":<target>'],
  [/"attempt":\d+/g, '"attempt":<number>'],
  [/"(raft_term|raftTerm|raftIndex|raftAppliedIndex|dbSize|dbSizeInUse|dbSizeQuota)":\d+/g, '"$1":<number>'],
  [/"member_id":(?:\d+|<[^>]*>)/g, '"member_id":<a member>'],
  [/"MemberID" : (?:\d+|<[^>]*>)/g, '"MemberID" : <a member>'],
  [/"RaftTerm" : \d+/g, '"RaftTerm" : <number>'],
  // Of a thousand seconds, a moment later.
  [/"(ttl|TTL)"( ?: ?)99\d\b/g, '"$1"$2<time>'],
  [/"hash":\d+/g, '"hash":<hash>'],
  [/took = [\d.]+[mµun]?s/g, 'took = <time>'],
  [/\b\d+(?:\.\d+)?(?:µs|ms|s)\b/g, '<time>'],
]

export class Names {
  /** Longer ones first: one may be a part of another. */
  #names: [value: string, name: string][] = []

  /** Everywhere `value` stands, `name` is noted. */
  set(value: string, name: string): void {
    this.#names = [...this.#names.filter(([known]) => known !== value), [value, name] satisfies [string, string]].sort(
      ([one], [other]) => other.length - one.length,
    )
  }

  /** An id, which is told in hexadecimal and, by JSON, in decimal. */
  setId(id: bigint, name: string): void {
    const unsigned = BigInt.asUintN(64, id)
    this.set(unsigned.toString(16), name)
    // As etcdctl fills it up where it is short.
    for (const filler of ['0', ' ']) this.set(unsigned.toString(16).padStart(16, filler), name)
    this.set(id.toString(), name)
  }

  /** The ids that a list of the members has. */
  learn({ out }: Ran, members: readonly Member[]): void {
    // JSON.parse would round them.
    const list = JSON.parse(out.replaceAll(/:(\d{15,})/g, ':"$1"')) as MemberList
    this.setId(BigInt(list.header.cluster_id), '<cluster>')
    for (const { ID, name } of list.members) {
      if (members.some((member) => member.name === name)) this.setId(BigInt(ID), `<member ${name}>`)
    }
  }

  /** What a name stands for. */
  valueOf(name: string): string {
    const found = this.#names.find(([, known]) => known === name)
    if (found === undefined) throw new Error(`nothing is called ${name}`)
    return found[0]
  }

  in(text: string): string {
    let named = text
    for (const [value, name] of this.#names) named = named.replaceAll(value, name)
    for (const [pattern, name] of VALUES) named = named.replaceAll(pattern, name)
    return named
  }
}
