/**
 * The mutants: known bugs, each as a patch of our own source with a few lines above it that say what it is.
 *
 *     A vote is not written to the disk           what is wrong, as a sentence
 *
 *     Museum: row 2 (canonical/raft #386)         which bug of others it is
 *     Breaks: one vote in a term, 3.4             what it breaks
 *     Verdict: R7, R1                             the classes of verdict by which it counts as caught
 *     Seeds: 100                                  how many seeds it may take; default 200
 *     Emphasis: crash, watch                      faults, operations and rare ways that it needs more of; default: as drawn
 *     Minutes: 5                                  simulated, of each seed; default 1
 */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parsePatch, type FilePatch } from './patch.js'

export interface Mutant {
  readonly name: string
  readonly what: string
  readonly museum: string
  readonly breaks: string
  readonly verdicts: readonly string[]
  readonly seeds: number
  readonly emphasis: readonly string[]
  readonly safetyMs: number
  readonly files: readonly FilePatch[]
}

/** A build without any patch: it must pass what the mutants fail. */
export const UNMUTATED: Mutant = {
  name: 'unmutated',
  what: 'The source as it is',
  museum: '',
  breaks: '',
  verdicts: [],
  seeds: 5,
  emphasis: [],
  safetyMs: 60_000,
  files: [],
}

/** Broken beyond doubt: what does not find this one finds nothing. */
export const CANARY = 'canary'

const SEEDS_DEFAULT = 200
const folder = new URL('.', import.meta.url)

/** All of them, by name. */
export function allMutants(): readonly Mutant[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.patch'))
    .sort()
    .map((file) => readMutant(file.slice(0, -'.patch'.length), readFileSync(new URL(file, folder), 'utf8')))
}

/** Throws SyntaxError for a patch whose header lacks something. */
export function readMutant(name: string, text: string): Mutant {
  const { preamble, files } = parsePatch(text)
  const [what = '', ...rest] = preamble.split('\n')
  const fields = new Map(
    rest.flatMap((line) => [...line.matchAll(/^(\w+): (.+)$/g)].map(([, key, value]) => [key, value])),
  )
  const field = (key: string): string => {
    const value = fields.get(key)
    if (value === undefined)
      throw new SyntaxError(`test/mutants/${name}.patch lacks a line '${key}: …' above the patch`)
    return value
  }
  return {
    name,
    what,
    museum: field('Museum'),
    breaks: field('Breaks'),
    verdicts: listOf(field('Verdict')),
    seeds: Number(fields.get('Seeds') ?? SEEDS_DEFAULT),
    emphasis: listOf(fields.get('Emphasis') ?? ''),
    safetyMs: Number(fields.get('Minutes') ?? 1) * 60_000,
    files,
  }
}

export function pathOf(file: string): string {
  return fileURLToPath(new URL(`../../${file}`, import.meta.url))
}

function listOf(text: string): readonly string[] {
  return text.split(',').flatMap((each) => (each.trim() === '' ? [] : [each.trim()]))
}
