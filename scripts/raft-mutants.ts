/**
 * Which planted bug the simulated clusters find, with which seed: a table for docs/TESTING.md.
 *
 *     npx tsx scripts/raft-mutants.ts
 *
 * Fails when one is not found within the seeds it is given (test/raft/mutants.ts).
 */
import { describeFinding, MUTANTS, type Mutant } from '../test/raft/mutants.js'
import { runSeed } from '../test/raft/swarm.js'

console.log('| planted bug | breaks | found with seed | as |')
console.log('| --- | --- | --- | --- |')
for (const mutant of MUTANTS) {
  const { name, breaks } = mutant
  const found = find(mutant)
  if (found === undefined) process.exitCode = 1
  console.log(`| ${name} | ${breaks} | ${found?.seed ?? `none of ${mutant.seeds}`} | ${found?.as ?? '**not found**'} |`)
}

function find({ seeds, ...options }: Mutant): { seed: number; as: string } | undefined {
  for (let seed = 1; seed <= seeds; seed++) {
    const { failure } = runSeed(seed, options)
    if (failure !== undefined && !failure.message.startsWith('liveness')) return { seed, as: describeFinding(failure) }
  }
  return undefined
}
