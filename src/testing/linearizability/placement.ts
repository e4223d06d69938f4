/**
 * The steps of a history sorted by what their answers say of their order: what the witness engine walks through.
 */
import { UNKNOWN, type Witness } from './model.js'
import type { Step } from './timeline.js'

export interface Placement {
  /** Made a change, by the position it led to. */
  readonly changes: Int32Array
  /** Done at a position without a change, by it; at one position in the order of time. */
  readonly reads: Int32Array
  /** Answered, but the answer does not say where; in the order of time. */
  readonly floats: Int32Array
  /** Of those, which may change the state and leave its position. */
  readonly quietFloats: Int32Array
  /** Of unknown outcome; in the order of time. */
  readonly maybes: Int32Array
  /** Of those, which may change the state and leave its position. */
  readonly quietMaybes: Int32Array
  /** Everything answered, in the order of the answers. */
  readonly byEnd: Int32Array
  /** Of changes and reads; NaN for others. */
  readonly positions: Float64Array
}

/** `steps` in the order of `from`. */
export function placementOf<State, Input, Output>(
  steps: readonly Step<Input, Output>[],
  witness: Witness<State, Input, Output>,
): Placement {
  const changes: number[] = []
  const reads: number[] = []
  const floats: number[] = []
  const maybes: number[] = []
  const byEnd: number[] = []
  const positions = new Float64Array(steps.length).fill(NaN)
  steps.forEach(({ input, output }, at) => {
    if (output === UNKNOWN) {
      maybes.push(at)
      return
    }
    byEnd.push(at)
    const place = witness.place(input, output)
    if (place === undefined) {
      floats.push(at)
      return
    }
    positions[at] = place.position
    if (place.change) changes.push(at)
    else reads.push(at)
  })
  const position = (at: number): number => positions[at] ?? 0
  const end = (at: number): number => steps[at]?.to ?? Infinity
  const quiet = (at: number): boolean => witness.quiet?.((steps[at] as Step<Input, Output>).input) ?? false
  return {
    changes: Int32Array.from(changes).sort((left, right) => position(left) - position(right) || left - right),
    reads: Int32Array.from(reads).sort((left, right) => position(left) - position(right) || left - right),
    floats: Int32Array.from(floats),
    quietFloats: Int32Array.from(floats.filter(quiet)),
    maybes: Int32Array.from(maybes),
    quietMaybes: Int32Array.from(maybes.filter(quiet)),
    byEnd: Int32Array.from(byEnd).sort((left, right) => end(left) - end(right)),
    positions,
  }
}

/** Two answers that no order can reconcile. */
export interface Contradiction {
  readonly step: number
  readonly with: number
  readonly kind: 'same-change' | 'backwards'
}

/**
 * Looks at answers two by two: no two calls make the same change, and none is at an earlier position than one that had
 * returned before it was called. Of several contradictions the one whose later call returned first.
 */
export function contradictionOf(steps: readonly Step[], placement: Placement): Contradiction | undefined {
  const { changes, byEnd, positions } = placement
  let found: Contradiction | undefined
  const tell = (contradiction: Contradiction): void => {
    const end = (step: number): number => steps[step]?.to ?? Infinity
    if (found === undefined || end(contradiction.step) < end(found.step)) found = contradiction
  }
  for (let at = 1; at < changes.length; at++) {
    const [before = 0, after = 0] = [changes[at - 1], changes[at]]
    if (positions[before] === positions[after]) tell({ step: after, with: before, kind: 'same-change' })
  }
  const change = new Uint8Array(steps.length)
  for (const step of changes) change[step] = 1
  let returned = 0
  let newest: number | undefined
  steps.forEach(({ from }, step) => {
    const position = positions[step] ?? NaN
    if (Number.isNaN(position)) return
    for (; returned < byEnd.length; returned++) {
      const ended = byEnd[returned] ?? 0
      if ((steps[ended]?.to ?? Infinity) > from) break
      if ((positions[ended] ?? NaN) > (newest === undefined ? -Infinity : (positions[newest] ?? 0))) newest = ended
    }
    if (newest === undefined) return
    const least = (positions[newest] ?? 0) + (change[step] === 1 ? 1 : 0)
    if (position < least) tell({ step, with: newest, kind: 'backwards' })
  })
  return found
}
