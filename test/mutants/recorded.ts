/**
 * By which seed each mutant was caught when the table of docs/TRACK-RECORD.md was last made (scripts/mutants.ts). A hint
 * of where to look first, not a promise: seeds mean something else after every change of the product or the simulation.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import type { Mutant } from './mutant.js'

export interface Caught {
  readonly seed: number
  readonly verdict: string
  /** Of all seeds up to that one; missing where only that one was looked at. */
  readonly simulatedSeconds?: number
  readonly wallSeconds?: number
}

const file = new URL('recorded.json', import.meta.url)

export function readRecord(): Map<string, Caught> {
  return new Map(Object.entries(JSON.parse(readFileSync(file, 'utf8')) as Record<string, Caught>))
}

export function writeRecord(name: string, caught: Caught): void {
  const all = [...readRecord().set(name, caught)].sort(([a], [b]) => (a < b ? -1 : 1))
  writeFileSync(file, `${JSON.stringify(Object.fromEntries(all), undefined, 2)}\n`)
}

const TABLE_HEAD = [
  '| mutant | what is wrong | museum | caught by | with seed | simulated s | wall s |',
  '| --- | --- | --- | --- | --- | --- | --- |',
]
const BEGIN = '<!-- mutants: npx tsx scripts/mutants.ts writes from here -->'
const END = '<!-- to here -->'

/** The table, with what is recorded. */
export function tableOf(mutants: readonly Mutant[]): string {
  const recorded = readRecord()
  return [...TABLE_HEAD, ...mutants.map((mutant) => rowOf(mutant, recorded.get(mutant.name)))].join('\n')
}

/** A page with the table in its place. */
export function withTable(page: string, table: string): string {
  const begin = page.indexOf(BEGIN)
  const end = page.indexOf(END)
  if (begin < 0 || end < begin) throw new Error(`the page has no place for the table: '${BEGIN}' … '${END}'`)
  return `${page.slice(0, begin + BEGIN.length)}\n\n${table}\n\n${page.slice(end)}`
}

function rowOf({ name, what, museum }: Mutant, caught: Caught | undefined): string {
  const found =
    caught === undefined
      ? '**not yet** | | | |'
      : `${caught.verdict} | ${caught.seed} | ${caught.simulatedSeconds?.toFixed(0) ?? ''} | ${caught.wallSeconds?.toFixed(1) ?? ''} |`
  return `| \`${name}\` | ${what} | ${museum} | ${found}`
}
