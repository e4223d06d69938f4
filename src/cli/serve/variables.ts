/** Flags out of the environment: `ETCD_INITIAL_CLUSTER` is `--initial-cluster`. A flag on the command line beats its variable. */
import { FLAG_NAMES, flagNamed, type FlagName } from './flags.js'
import { nearest } from './nearest.js'

export interface Variables {
  readonly flags: ReadonlyMap<FlagName, string>
  /** For the log. Values are not in them: nobody knows what is in a variable that is not ours. */
  readonly warnings: readonly string[]
}

const PREFIX = 'ETCD_'

/** @param given flags that the command line has. */
export function variablesOf(
  environment: Readonly<Record<string, string | undefined>>,
  given: ReadonlyMap<FlagName, string>,
): Variables {
  const flags = new Map<FlagName, string>()
  const warnings: string[] = []
  for (const [variable, value = ''] of Object.entries(environment).sort()) {
    if (!variable.startsWith(PREFIX)) continue
    const spelling = variable.slice(PREFIX.length).toLowerCase().replaceAll('_', '-')
    const name = flagNamed(spelling)
    if (name === undefined) {
      warnings.push(`${variable} belongs to no flag, and is passed over${nearest(spelling, FLAG_NAMES, '--')}`)
    } else if (given.has(name)) {
      warnings.push(`${variable} is passed over: --${name} is given on the command line`)
    } else if (value !== '') {
      flags.set(name, value)
    }
  }
  return { flags, warnings }
}
