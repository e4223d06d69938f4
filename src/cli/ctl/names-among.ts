/** Where in the words of a command line the name of a command may stand, behind flags that all commands have. */
import type { CtlFlag } from './ctl-flag.js'
import { GLOBAL_FLAGS } from './global-flags.js'

/** That of `endpoint`, which stands behind its first word, too. */
const EVERYWHERE: readonly CtlFlag[] = [...GLOBAL_FLAGS, { name: 'cluster', type: 'boolean', summary: '' }]

/** Indices of the first two words that are neither flags nor their values. */
export function namesAmong(words: readonly string[]): number[] {
  const found: number[] = []
  for (let at = 0; at < words.length && found.length < 2; at++) {
    const word = words[at] ?? ''
    if (!word.startsWith('-')) {
      found.push(at)
      continue
    }
    const flag = EVERYWHERE.find(({ name, short }) => word === `--${name}` || word === `-${short ?? ''}`)
    if (flag !== undefined && flag.type !== 'boolean') at++
  }
  return found
}
