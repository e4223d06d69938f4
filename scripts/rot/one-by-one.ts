/** Reads a store of a cluster of one key by key and version by version: each read is right, or refused because of damage. */
import { isStoreError, type Store } from '../../src/index.js'
import { checkOnce, FactsViolated, type Facts, type Found } from './facts.js'
import { foundOf } from './found.js'

export interface Answers {
  readonly right: number
  readonly refused: number
}

/** Throws FactsViolated for a wrong answer, and what a read fails with that has nothing to do with damage. */
export async function readOneByOne(store: Store, facts: Facts): Promise<Answers> {
  let right = 0
  let refused = 0
  const attempt = async (read: () => Promise<void>): Promise<void> => {
    try {
      await read()
      right++
    } catch (error) {
      if (!isStoreError(error, 'DATA_DAMAGED') && !isStoreError(error, 'MEMBER_FAILED')) throw error
      refused++
    }
  }
  await attempt(() => store.ready())
  const { compactRevision } = store.status()
  const pending = new Set(facts.pending.flat().map(({ key }) => key))
  for (const [key, expected] of latest(facts)) {
    await attempt(async () => {
      const item = await store.get(key)
      check(facts, key, item && foundOf(item), pending.has(key) ? undefined : expected)
    })
  }
  for (const { revision, changes } of facts.acknowledged) {
    if (revision < compactRevision) continue
    for (const { key, id } of changes) {
      await attempt(async () => {
        const item = await store.get(key, { revision, consistency: 'local' })
        check(facts, key, item && foundOf(item), { key, id, revision })
      })
    }
  }
  return { right, refused }
}

function check(facts: Facts, key: string, found: Found | undefined, expected: Found | undefined): void {
  if (found !== undefined) checkOnce(facts, [found])
  if (expected === undefined) return
  if (found?.id !== expected.id || (found !== undefined && found.revision !== expected.revision))
    throw new FactsViolated(
      `${key} is ${found?.id} of revision ${found?.revision} instead of ${expected.id} of revision ${expected.revision}`,
    )
}

function latest({ acknowledged }: Facts): Map<string, Found> {
  const found = new Map<string, Found>()
  for (const { revision, changes } of [...acknowledged].sort((a, b) => a.revision - b.revision))
    for (const change of changes) found.set(change.key, { ...change, revision })
  return found
}
