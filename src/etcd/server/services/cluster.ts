/**
 * etcd's Cluster: who belongs to the cluster, and changing it.
 *
 * Always: a member that is added as a voter is a learner until it has caught up, and then made one by whoever leads; the
 * call does not wait for that. Always: headers are without a revision, and members in the order of their ids, as etcd has them.
 */
import type { ClusterMember } from '../../../api/cluster.js'
import { memberIdOf, type MemberId } from '../../../api/member-id.js'
import type { Member, ClusterService } from '../../generated/rpc.js'
import { addressOfPeerUrl, peerUrlsOf } from '../../wire/peer-url.js'
import type { Face } from '../face.js'
import { Refusal } from '../refusal.js'
import type { Call, Service } from '../service.js'

/** An id that no member has: theirs are numbers. */
const NOBODY = 2n ** 64n - 1n

export function clusterService(face: Face): Service<typeof ClusterService> {
  const { peerScheme, learnersMax } = face.settings
  const header = () => face.header(0)
  const messageOf = (member: ClusterMember): Member => memberOf(member, peerUrlsOf(member.address, peerScheme))
  const list = async ({ store, signal }: Call, linearizable = true): Promise<Member[]> => {
    const members = await store.cluster.list({ consistency: linearizable ? 'linearizable' : 'local', signal })
    return members.map(messageOf).sort((a, b) => (a.ID < b.ID ? -1 : 1))
  }
  return {
    async memberAdd({ peerURLs, isLearner }, call) {
      const address = addressOf(peerURLs)
      const { cluster } = call.store
      await mayChange(call)
      const members = await cluster.list({ signal: call.signal })
      if (members.some((member) => member.address === address)) {
        throw new Refusal('FAILED_PRECONDITION', 'etcdserver: Peer URLs already exists')
      }
      // Those that become voters by themselves do not stand in each other's way.
      const learners = members.filter(({ role, becomesVoter }) => role === 'learner' && !becomesVoter)
      if (isLearner && learners.length >= learnersMax) {
        throw new Refusal('FAILED_PRECONDITION', 'etcdserver: too many learner members in cluster')
      }
      const role = isLearner ? 'learner' : 'voter'
      const added = await unlessAlone(cluster.add({ address, role }, { wait: false, signal: call.signal }))
      return { header: header(), member: messageOf(added), members: await list(call) }
    },

    async memberRemove({ ID }, call) {
      await mayChange(call)
      const before = await list(call)
      const removed = await call.store.cluster.remove({ id: idOf(ID) }, { signal: call.signal })
      if (!removed) throw notFound()
      // The one that answers may be the one that is no more.
      return { header: header(), members: before.filter((member) => member.ID !== ID) }
    },

    async memberUpdate({ ID, peerURLs }, call) {
      const address = addressOf(peerURLs)
      await call.store.cluster.update({ id: idOf(ID) }, { address }, { signal: call.signal })
      return { header: header(), members: await list(call) }
    },

    async memberList({ linearizable }, call) {
      const members = await list(call, linearizable)
      return { header: header(), members }
    },

    async memberPromote({ ID }, call) {
      const { cluster } = call.store
      await mayChange(call)
      const id = idOf(ID)
      const found = (await cluster.list({ signal: call.signal })).find((member) => member.id === id)
      if (found?.role === 'voter') {
        throw new Refusal('FAILED_PRECONDITION', 'etcdserver: can only promote a learner member')
      }
      await cluster.promote({ id }, { signal: call.signal })
      return { header: header(), members: await list(call) }
    },
  }
}

/** Asks first, as etcd does: who may not change the members is not told who is there. Removing nobody changes nothing. */
async function mayChange({ store: { cluster }, signal }: Call): Promise<void> {
  await cluster.remove({ id: NOBODY }, { signal })
}

/** A member that was opened to be alone, in memory, takes no others: whoever opened it can change that, and no client. */
async function unlessAlone<Result>(changed: Promise<Result>): Promise<Result> {
  try {
    return await changed
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new Refusal('FAILED_PRECONDITION', `this member takes no others: ${error.message}`)
  }
}

function memberOf({ id, name, role, clientUrls }: ClusterMember, peerURLs: string[]): Member {
  return { ID: BigInt(id), name, peerURLs, clientURLs: [...clientUrls], isLearner: role === 'learner' }
}

/** A member is reached at one address here: several URLs are refused, and so is none. */
function addressOf(peerUrls: readonly string[]): string {
  const [url] = peerUrls
  const address = url === undefined || peerUrls.length > 1 ? undefined : addressOfPeerUrl(url)
  if (address === undefined) throw new Refusal('INVALID_ARGUMENT', 'etcdserver: given member URLs are invalid')
  return address
}

/** 0 is the id of nobody. */
function idOf(id: bigint): MemberId {
  if (id === 0n) throw notFound()
  return memberIdOf(id)
}

function notFound(): Refusal {
  return new Refusal('NOT_FOUND', 'etcdserver: member not found')
}
