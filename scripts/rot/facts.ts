/**
 * What clients of a cluster were told, and whether what a member holds agrees with it.
 *
 * Always: every value is written once, under an id of its own, and every answer has its revision. So each record that is
 * read can be traced to the one write that made it, and what was acknowledged is either there, at its revision, or lost.
 */
/** A change of one key. */
export interface Change {
  readonly key: string
  /** Of the value; undefined for a deletion. */
  readonly id: string | undefined
}

export interface Acknowledged {
  readonly revision: number
  readonly changes: readonly Change[]
}

export interface Facts {
  readonly acknowledged: readonly Acknowledged[]
  /** Begun, and never answered: each may have taken effect or not, as a whole. */
  readonly pending: readonly (readonly Change[])[]
}

/** A change as it is read, and where it stands. */
export interface Found extends Change {
  readonly revision: number
}

/** What is read of a member that has caught up. */
export interface Contents {
  /** Everything before is forgotten. */
  readonly compactRevision: number
  readonly revision: number
  /** What is there now, by key. */
  readonly items: readonly Found[]
  /** Every change behind `compactRevision`, by revision; a deletion has no id. */
  readonly changes: readonly Found[]
}

/** Throws FactsViolated for anything that is wrong, lost or invented. */
export function checkContents({ acknowledged, pending }: Facts, contents: Contents): void {
  const told = new Map(acknowledged.map((each) => [each.revision, each.changes]))
  const byRevision = groupByRevision(contents.changes)
  for (const [revision, changes] of told) {
    if (revision <= contents.compactRevision) continue
    const found = byRevision.get(revision)
    if (found === undefined) violated(`what was acknowledged at revision ${revision} is lost: ${describe(changes)}`)
    if (!same(found, changes))
      violated(`revision ${revision} was acknowledged as ${describe(changes)} and is ${describe(found)}`)
  }
  for (const [revision, found] of byRevision) {
    if (told.has(revision)) continue
    if (!pending.some((changes) => same(found, changes)))
      violated(`nobody wrote what is at revision ${revision}: ${describe(found)}`)
  }
  checkItems(told, contents)
}

/** Throws for a record that nobody wrote; to be asked of a member that may not have caught up. */
export function checkOnce({ acknowledged, pending }: Facts, items: readonly Found[]): void {
  const at = new Map(acknowledged.flatMap(({ revision, changes }) => changes.map(({ id }) => [id, revision])))
  const maybe = new Set(pending.flat().map(({ id }) => id))
  for (const { key, id, revision } of items) {
    if (at.get(id) === revision || (maybe.has(id) && id !== undefined)) continue
    violated(`${key} is ${id} of revision ${revision}, which was never written`)
  }
}

/** What there is now is what all changes come to, those that are forgotten included. */
function checkItems(told: ReadonlyMap<number, readonly Change[]>, { changes, items, compactRevision }: Contents): void {
  const all = [...told].filter(([revision]) => revision <= compactRevision)
  const old = all.flatMap(([revision, each]) => each.map((change) => ({ ...change, revision })))
  const expected = new Map<string, Found>()
  for (const change of [...old, ...changes].sort((a, b) => a.revision - b.revision)) expected.set(change.key, change)
  const found = new Map(items.map((item) => [item.key, item]))
  for (const [key, { id, revision }] of expected) {
    const item = found.get(key) ?? { id: undefined, revision: 0 }
    if (item.id !== id || (id !== undefined && item.revision !== revision))
      violated(`${key} is ${item.id} of revision ${item.revision} instead of ${id} of revision ${revision}`)
  }
  const extra = items.find(({ key }) => !expected.has(key))
  if (extra !== undefined) violated(`nobody wrote ${extra.key}`)
}

function groupByRevision(changes: readonly Found[]): Map<number, Found[]> {
  const groups = new Map<number, Found[]>()
  for (const change of changes) groups.set(change.revision, [...(groups.get(change.revision) ?? []), change])
  return groups
}

function same(found: readonly Change[], told: readonly Change[]): boolean {
  return (
    found.length === told.length &&
    told.every(({ key, id }) => found.some((each) => each.key === key && each.id === id))
  )
}

function describe(changes: readonly Change[]): string {
  return changes.map(({ key, id }) => (id === undefined ? `${key} deleted` : `${key} = ${id}`)).join(', ')
}

export class FactsViolated extends Error {
  override readonly name = 'FactsViolated'
}

function violated(what: string): never {
  throw new FactsViolated(what)
}
