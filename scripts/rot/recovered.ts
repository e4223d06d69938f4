/**
 * Whether a member that said nothing of any damage found on its disk what was there: entries, hard state, applied
 * position, digest and leases are those that the directory gives without the damage.
 */
import { createHash } from 'node:crypto'
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { MemberEvent } from '../../src/index.js'
import { FactsViolated } from './facts.js'
import { Cluster, type Name } from './members.js'
import type { Outcome, Trial } from './messages.js'

export type Recovered = Extract<MemberEvent, { type: 'recovered' }>

export async function compareRecovered(trial: Trial, recovered: Recovered | undefined): Promise<Outcome> {
  if (recovered === undefined) throw new Error('the member did not tell what it found')
  const undamaged = await recoverUndamaged(trial)
  if (describeState(recovered) === describeState(undamaged)) {
    if (describeLog(recovered) === describeLog(undamaged)) return 'no effect'
    const entries = undamaged.stored.entries.slice(0, recovered.stored.entries.length)
    const cut = { ...undamaged, stored: { ...undamaged.stored, entries } }
    // Everything that was acknowledged was read from it, so nothing of what is gone was.
    if (describeLog(recovered) === describeLog(cut)) return 'unacknowledged end'
  }
  const elsewhere = recovered.applied.index !== undamaged.applied.index
  if (elsewhere && describeLog(recovered) === describeLog(undamaged)) return 'other entry'
  throw new FactsViolated('the damage changed what the member found, and the member said nothing')
}

async function recoverUndamaged({ template, folder, setup, victim }: Trial): Promise<Recovered> {
  const place = join(folder, 'undamaged')
  const found: Recovered[] = []
  const cluster = new Cluster(setup === 'alone' ? 1 : 3, place)
  cpSync(join(template, victim), join(place, victim), { recursive: true })
  const store = await cluster.open(victim satisfies Name, {
    observe: (event) => {
      if (event.type === 'recovered') found.push(event)
    },
  })
  await store.close()
  rmSync(place, { recursive: true })
  const [recovered] = found
  if (recovered === undefined) throw new Error('the member did not tell what it found')
  return recovered
}

function describeState({ applied, revision, compactRevision, digest, leases }: Recovered): string {
  return JSON.stringify([applied, revision, compactRevision, digest, leases.map(String)])
}

/** Without where the state stands in it. */
function describeLog({ stored }: Recovered): string {
  const hash = createHash('sha256')
  for (const { index, term, kind, data } of stored.entries) hash.update(`${index} ${term} ${kind} `).update(data)
  return JSON.stringify({ ...stored, entries: hash.digest('hex'), applied: undefined })
}
