/** The kit that is published, by every law of laws.ts. */
import { test } from 'vitest'
import { check, etcdModel, keyValueModel, registerModel, UNKNOWN, watchOracle } from 'quorate/testing'
import type { Kit } from './law.js'
import { LAWS } from './laws.js'

const kit: Kit = { check, etcdModel, keyValueModel, registerModel, UNKNOWN, watchOracle }

test.for(LAWS.map((law) => [law.name, law] as const))('%s', ([, law]) => {
  law.holds(kit)
})
