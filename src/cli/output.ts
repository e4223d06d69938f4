/** Results as lines for people, as a table, or as JSON for programs. */
import { UsageError, type Flag, type Given } from './command.js'

export type Format = 'simple' | 'table' | 'json'

/** What is told, in its order: what it is, and its value as people read it. */
export type Rows = readonly (readonly [label: string, value: string | number])[]

export const OUTPUT_FLAGS: readonly Flag[] = [
  { name: 'write-out', short: 'w', value: 'FORMAT', summary: 'simple (lines, the default), table or json' },
  { name: 'json', summary: 'the same as -w json' },
]

/** Throws UsageError. */
export function formatOf({ flags }: Given): Format {
  const given = flags.get('write-out')
  const json = flags.has('json')
  if (json && given !== undefined && given !== 'json')
    throw new UsageError('--json and --write-out contradict each other')
  if (json) return 'json'
  switch (given) {
    case undefined:
      return 'simple'
    case 'simple':
    case 'table':
    case 'json':
      return given
    default:
      throw new UsageError(`--write-out is simple, table or json`)
  }
}

/** With a line end. `object` is what programs are given: fields once named stay. */
export function render(format: Format, rows: Rows, object: unknown): string {
  if (format === 'json') return `${JSON.stringify(object, null, 2)}\n`
  const width = Math.max(0, ...rows.map(([label]) => label.length))
  if (format === 'simple') {
    return rows.map(([label, value]) => `${label.padEnd(width)}  ${indented(value, width + 2)}\n`).join('')
  }
  const lines = rows.flatMap(([label, value]) => {
    return String(value)
      .split('\n')
      .map((line, at) => [at === 0 ? label : '', line] as const)
  })
  const valueWidth = Math.max(0, ...lines.map(([, line]) => line.length))
  const border = `+-${'-'.repeat(width)}-+-${'-'.repeat(valueWidth)}-+\n`
  const body = lines.map(([label, line]) => `| ${label.padEnd(width)} | ${line.padEnd(valueWidth)} |\n`)
  return border + body.join('') + border
}

function indented(value: string | number, by: number): string {
  return String(value).replaceAll('\n', `\n${' '.repeat(by)}`)
}

export function bytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  if (power === 0) return `${bytes} B`
  return `${(bytes / 1024 ** power).toFixed(1)} ${units[power] ?? ''} (${bytes} B)`
}

export function timeText(wallMs: number): string {
  return new Date(wallMs).toISOString()
}
