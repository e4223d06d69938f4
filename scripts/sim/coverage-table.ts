/** The coverage of a long run, for people: what happened how often, what never did, and what cannot. */
import { expectations, type Coverage } from '../../src/testing/index.js'

const COLUMNS = 3
const NAME_WIDTH = 24
const COUNT_WIDTH = 13

export function coverageTable(coverage: Coverage): string {
  const groups = groupedBy(expectations(), ({ group }) => group)
  const parts: string[] = []
  for (const [group, rows] of groups) {
    const possible = rows.filter(({ name, expected }) => expected === true || count(coverage, group, name) > 0)
    const cells = possible.map(({ name }) => cell(name, count(coverage, group, name)))
    const impossible = rows.filter((row) => !possible.includes(row))
    parts.push(`${group}\n${columns(cells)}`)
    for (const [reason, names] of groupedBy(impossible, ({ expected }) => String(expected))) {
      parts.push(`  not expected, since ${reason}: ${names.map(({ name }) => name).join(', ')}`)
    }
  }
  return parts.join('\n')
}

function groupedBy<Item>(items: readonly Item[], nameOf: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>()
  for (const item of items) {
    const name = nameOf(item)
    groups.set(name, [...(groups.get(name) ?? []), item])
  }
  return groups
}

function count(coverage: Coverage, group: string, name: string): number {
  return coverage[group]?.[name] ?? 0
}

function cell(name: string, times: number): string {
  const text = times === 0 ? 'NEVER' : times.toLocaleString('en')
  return `  ${name.padEnd(NAME_WIDTH)}${text.padStart(COUNT_WIDTH)}`
}

function columns(cells: readonly string[]): string {
  const rows = Math.ceil(cells.length / COLUMNS)
  return Array.from({ length: rows }, (_, row) =>
    cells
      .filter((_, at) => at % rows === row)
      .join('')
      .trimEnd(),
  ).join('\n')
}
