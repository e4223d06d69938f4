/**
 * etcd's Election: in one line with the candidates of other clients of etcd and with those of this process (recipes/election).
 *
 * Always: a leader proclaims and resigns by what it was given when it was elected. Its key must still be the one that was
 * created then, and hang on its lease.
 */
import { compare, del, put } from '../../../api/operations.js'
import { leaderOf } from '../../../recipes/election/candidacy.js'
import { observeLeader } from '../../../recipes/election/observe-leader.js'
import { readLine, stands } from '../../../recipes/lock/line.js'
import type { ElectionService, LeaderKey } from '../../generated/election.js'
import { keyValueMessage } from '../../wire/key-value.js'
import { numberOf } from '../../wire/numbers.js'
import type { Face } from '../face.js'
import { Refusal } from '../refusal.js'
import type { Service } from '../service.js'
import { holdForClient, nameOf } from './held-by-client.js'

const NOT_LEADER = 'election: not leader'

export function electionService(face: Face): Service<typeof ElectionService> {
  return {
    async campaign({ name, lease: asked, value }, call) {
      const { key, lease, createRevision, revision } = await holdForClient(
        { name, lease: asked, value, lost: NOT_LEADER },
        call,
      )
      const leader = { name, key: Buffer.from(key), rev: BigInt(createRevision), lease }
      return { header: face.header(revision), leader }
    },

    async proclaim({ leader, value }, { store, signal }) {
      const { key, createRevision, lease } = standingOf(leader)
      if (createRevision <= 0 || lease === 0n) throw new Refusal('UNKNOWN', NOT_LEADER)
      const change = { compare: stands({ key, createRevision, lease }), success: [put(key, value, { lease })] }
      const { succeeded, revision } = await store.txn(change, { signal })
      if (!succeeded) throw new Refusal('UNKNOWN', NOT_LEADER)
      return { header: face.header(revision) }
    },

    async leader({ name }, { store, signal }) {
      const { contenders, revision } = await readLine(store, nameOf(name), { signal })
      const leader = leaderOf(contenders)
      if (leader === undefined) throw new Refusal('UNKNOWN', 'election: no leader')
      return { header: face.header(revision), kv: keyValueMessage(leader) }
    },

    /** Tells of leaders only: that there is none is not an answer that etcd's API has. */
    async *observe({ name }, { store, signal }) {
      for await (const leader of observeLeader(store, nameOf(name), signal)) {
        if (leader !== undefined) yield { header: face.header(), kv: keyValueMessage(leader) }
      }
    },

    /** Who leads no more has nothing to give up. */
    async resign({ leader }, { store, signal }) {
      const { key, createRevision } = standingOf(leader)
      const own = compare(key).createRevision('=', Math.max(0, createRevision))
      const { revision } = await store.txn({ compare: [own], success: [del(key)] }, { signal })
      return { header: face.header(revision) }
    },
  }
}

function standingOf(leader: LeaderKey | undefined): {
  readonly key: string
  readonly createRevision: number
  readonly lease: bigint
} {
  if (leader === undefined) throw new Refusal('UNKNOWN', '"leader" field must be provided')
  const { key, rev, lease } = leader
  return { key: nameOf(key), createRevision: numberOf(rev), lease }
}
