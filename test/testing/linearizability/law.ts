/** What a law is, and of what it speaks: the kit that judges histories. */
import fc from 'fast-check'
import { expect } from 'vitest'
import type { check, etcdModel, keyValueModel, registerModel, UNKNOWN, watchOracle } from 'quorate/testing'

export interface Kit {
  readonly check: typeof check
  readonly etcdModel: typeof etcdModel
  readonly keyValueModel: typeof keyValueModel
  readonly registerModel: typeof registerModel
  readonly UNKNOWN: typeof UNKNOWN
  readonly watchOracle: typeof watchOracle
}

export interface Law {
  readonly name: string
  /** Throws where it is broken. */
  holds(kit: Kit): void
}

/** FC_NUM_RUNS goes before what is enough for every day. */
export function runs(count: number): { readonly numRuns: number } {
  return { numRuns: fc.readConfigureGlobal().numRuns ?? count }
}

export function expectBoth(verdicts: Readonly<Record<string, number>>, least: number): void {
  expect(verdicts['ok'], 'legal histories drawn').toBeGreaterThan(least)
  expect(verdicts['illegal'], 'illegal histories drawn').toBeGreaterThan(least)
}
