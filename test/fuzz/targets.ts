/** Everything that bytes from outside reach. */
import { readCorpus } from './corpus.js'
import { connectionTargets } from './connection-targets.js'
import { storageTargets } from './storage-targets.js'
import type { FuzzTarget } from './target.js'
import { wireTargets } from './wire-targets.js'

/** Those with sockets open them with their first input; all are to be closed. */
export function fuzzTargets(corpusFolder: string): FuzzTarget[] {
  const corpus = readCorpus(corpusFolder)
  return [...wireTargets(corpus), ...storageTargets(corpus), ...connectionTargets(corpus)]
}
