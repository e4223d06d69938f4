/**
 * What a run has shown: how often each class of each request field was sent, each class of each response field and each
 * error came back, on either side. A cell that stays empty was not compared, whatever the number of operations says.
 */
import type { Answers } from './answers.js'
import { AUTH_FIELDS, requestCells, REQUEST_FIELDS } from './coverage-requests.js'
import { ERROR_TEXTS, responseCells, RESPONSE_FIELDS } from './coverage-responses.js'
import type { Operation } from './operation.js'

type Side = 'etcd' | 'ours'

/** One field, or the errors, and the classes that there are of it. */
export type Fields = Readonly<Record<string, readonly string[]>>
export type Cell = readonly [field: string, value: string]

const ERRORS = 'error'

export class Coverage {
  readonly #counts = new Map<string, number>()

  count(operation: Operation, answers: Answers): void {
    for (const side of ['etcd', 'ours'] as const) {
      const observation = side === 'etcd' ? answers.theirs : answers.ours
      for (const cell of requestCells(operation, answers.at)) this.#add(side, cell)
      if ('error' in observation) this.#add(side, [ERRORS, observation.error.text])
      else for (const cell of responseCells(observation.response)) this.#add(side, cell)
    }
  }

  of(side: Side, [field, value]: Cell): number {
    return this.#counts.get(keyOf(side, field, value)) ?? 0
  }

  /** What was never seen on one of the sides. */
  get empty(): readonly Cell[] {
    return CELLS.filter((cell) => this.of('etcd', cell) === 0 || this.of('ours', cell) === 0)
  }

  /** A line for each field: its classes, each with its counts at etcd and here, which are one number where they are equal. */
  table(): string {
    const lines = Object.entries(FIELDS).map(([field, values]) => {
      const cells = values.map((value) => `${value} ${this.#counted([field, value])}`)
      return field === ERRORS ? cells.map((cell) => `error: ${cell}`).join('\n') : `${field}: ${cells.join(' · ')}`
    })
    return lines.join('\n')
  }

  #counted(cell: Cell): string {
    const [theirs, ours] = [this.of('etcd', cell), this.of('ours', cell)]
    return theirs === ours ? String(theirs) : `${theirs}/${ours}`
  }

  #add(side: Side, [field, value]: Cell): void {
    const key = keyOf(side, field, value)
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
  }
}

const FIELDS: Fields = { ...REQUEST_FIELDS, ...AUTH_FIELDS, ...RESPONSE_FIELDS, [ERRORS]: ERROR_TEXTS }

export const CELLS: readonly Cell[] = Object.entries(FIELDS).flatMap(([field, values]) =>
  values.map((value): Cell => [field, value]),
)

function keyOf(side: Side, field: string, value: string): string {
  return `${side}\n${field}\n${value}`
}
