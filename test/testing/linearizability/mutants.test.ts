/** The laws are shown to hold something: kits with a bug in them break one. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BUGS } from './bugs.js'
import { kitWith } from './planted.js'
import { LAWS } from './laws.js'

test.for(BUGS.map((planted) => [planted.name, planted] as const))('a law is broken where %s', async ([, planted]) => {
  const law = LAWS.find(({ name }) => name === planted.breaks)
  if (law === undefined) throw new Error(`there is no law that says: ${planted.breaks}`)
  const kit = await kitWith(planted)
  // A failure is wanted, and nobody reads its smallest case.
  const usual = fc.readConfigureGlobal()
  fc.configureGlobal({ ...usual, endOnFailure: true })
  try {
    expect(() => {
      law.holds(kit)
    }).toThrow()
  } finally {
    fc.configureGlobal(usual)
  }
})
