import { describe, test } from 'vitest'
import { recipeConformance } from '../../../src/testing/conformance/recipes.js'
import { storeConformance } from '../../../src/testing/conformance/store.js'
import type { StoreHarness } from '../../../src/testing/conformance/declare.js'
import { serveAndConnect } from './served-store.js'

/** Leases of one second, so that waiting for the end of one takes no longer. Others could reach it: else nobody can be added. */
const OPEN = {
  ...{ electionTimeoutMs: 500, heartbeatIntervalMs: 100 },
  ...{ listen: '127.0.0.1:0', advertise: '127.0.0.1:7001' },
}

async function harness(): Promise<StoreHarness> {
  // Some tests make thousands of calls at once, on whatever machine.
  const { store, close } = await serveAndConnect({ open: OPEN, connect: { timeoutMs: 60_000 } })
  return { store, many: 1000, dispose: close }
}

describe('a served member behind connect()', () => {
  storeConformance({ test, harness, lacks: ['prefix-quotas', 'member-names', 'member-status'] })
})

describe('recipes over connect()', () => {
  recipeConformance({ test, harness })
})
