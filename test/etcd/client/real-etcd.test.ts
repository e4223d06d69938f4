import { afterAll, beforeAll, describe, test } from 'vitest'
import { connect } from '../../../src/etcd/index.js'
import { recipeConformance } from '../../../src/testing/conformance/recipes.js'
import { storeConformance } from '../../../src/testing/conformance/store.js'
import type { StoreHarness } from '../../../src/testing/conformance/declare.js'
import { hasEtcd, startEtcd, type RealEtcd } from './real-etcd.js'

describe.skipIf(!hasEtcd())('a real etcd', () => {
  let etcd: RealEtcd
  let tests = 0

  beforeAll(async () => {
    etcd = await startEtcd()
  })

  afterAll(() => etcd.stop())

  /** Each test has keys of its own. */
  async function harness(): Promise<StoreHarness> {
    const store = await connect({ endpoints: [etcd.endpoint], timeoutMs: 60_000 })
    const prefix = `test-${tests++}/`
    const { revision } = await store.put('before', 'x')
    return {
      store: store.namespace(prefix),
      revision,
      many: 1000,
      prefixBytes: prefix.length,
      closes: 'handle',
      dispose: () => store.close(),
    }
  }

  describe('behind connect()', () => {
    storeConformance({
      test,
      harness,
      lacks: [
        ...(['prefix-quotas', 'member-names', 'member-status', 'error-details', 'own-cluster'] as const),
        // Of etcd before 3.4.25 and 3.5.8.
        'ordered-progress',
      ],
    })
  })

  describe('under the recipes', () => {
    recipeConformance({ test, harness })
  })
})
