/** All flags of the command `etcd`, as of 3.4 to 3.6, and what becomes of each here. docs/SERVE.md is made of this table. */
import type { Flag } from './flag.js'
import { CLUSTERING_FLAGS } from './flags/clustering.js'
import { FEATURE_FLAGS } from './flags/features.js'
import { MEMBER_FLAGS } from './flags/member.js'
import { OBSERVING_FLAGS } from './flags/observing.js'
import { SECURITY_FLAGS } from './flags/security.js'

export const FLAG_GROUPS = {
  Member: MEMBER_FLAGS,
  Clustering: CLUSTERING_FLAGS,
  Security: SECURITY_FLAGS,
  'Metrics, log and traces': OBSERVING_FLAGS,
  'Features, and what is unsafe': FEATURE_FLAGS,
} as const

export const FLAGS = {
  ...MEMBER_FLAGS,
  ...CLUSTERING_FLAGS,
  ...SECURITY_FLAGS,
  ...OBSERVING_FLAGS,
  ...FEATURE_FLAGS,
} as const

export type FlagName = keyof typeof FLAGS

/** What each flag was given, or its default. */
export type Values = {
  readonly [Name in FlagName]: (typeof FLAGS)[Name] extends Flag<infer Value> ? Value : never
}

const EXPERIMENTAL = 'experimental-'

/** The flag that is spelt so, if there is one. */
export function flagNamed(spelling: string): FlagName | undefined {
  if (isFlag(spelling)) return spelling
  const stable = spelling.startsWith(EXPERIMENTAL) ? spelling.slice(EXPERIMENTAL.length) : undefined
  if (stable === undefined || !isFlag(stable)) return undefined
  return rowOf(stable).experimental === true ? stable : undefined
}

export function rowOf(name: FlagName): Flag<unknown> {
  return FLAGS[name]
}

export const FLAG_NAMES = Object.keys(FLAGS) as readonly FlagName[]

function isFlag(name: string): name is FlagName {
  return Object.hasOwn(FLAGS, name)
}
