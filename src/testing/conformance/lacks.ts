/** What a store need not have, by name, and which tests are of that. */
import type { StoreTests } from './store-tests.js'

/**
 * `prefix-quotas`: limits of what may be under a prefix.
 * `member-names`: members that are added under a name; they are by their address alone.
 * `member-status`: what a member tells of its inside, as the digest of its state.
 * `error-details`: errors that tell numbers: which limit, or where history begins.
 * `own-cluster`: a cluster of its own. Its leases, alarms and history are those of others, too.
 * `ordered-progress`: notices of progress that come behind all events before them.
 */
export type Lack =
  'prefix-quotas' | 'member-names' | 'member-status' | 'error-details' | 'own-cluster' | 'ordered-progress'

const TESTS: Readonly<Record<Lack, readonly string[]>> = {
  'prefix-quotas': ['keeps a prefix within its quota, and those of longer ones too'],
  'member-names': [
    'adds a learner, once, and takes it out again',
    'keeps names and addresses apart',
    'lets nobody vote or lead who has not caught up',
    'tells how far an addition has come, also where it does not come to its end',
    'puts nobody in the place of nobody',
  ],
  'member-status': ['tells who it is, who leads, and where it stands'],
  'error-details': [
    'compacts history, and says where what is left begins',
    'refuses what is over its limit, and says which limit',
    'refuses transactions that are too large, too deep, or change a key twice',
  ],
  'own-cluster': [
    'lists the leases that are there, in the order of their ids',
    'hashes what can be read, up to any revision that is kept',
    'counts the keys of a selection and their bytes, also as they were',
    'refuses revisions that are none',
  ],
  'ordered-progress': ['tells of its progress when asked, behind all events and never ahead of one'],
}

/** The tests that are left. Throws where one is named that there is not: it has another name by now. */
export function without(lacks: readonly Lack[], tests: StoreTests): StoreTests {
  const left = { ...tests }
  for (const name of lacks.flatMap((lack) => TESTS[lack])) {
    if (!Object.hasOwn(tests, name)) throw new Error(`there is no test ${name}`)
    delete (left as Record<string, unknown>)[name]
  }
  return left
}
