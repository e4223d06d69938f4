/**
 * Points at which a simulation may send the product the rare way: a batch of one, a cache that misses, a write now.
 *
 * Always: every way that a point can choose is right by itself. A run with all points on gives other timings, never other
 * promises. Outside a simulation nobody is asked and the usual way is taken.
 */

/** What each point does when it fires, in words for coverage tables. Later parts add theirs. */
export const BUGGIFY_POINTS = {} as const satisfies Readonly<Record<string, string>>

export type BuggifyPoint = keyof typeof BUGGIFY_POINTS

/** Whether to go the rare way this time. */
export type Buggify = (point: BuggifyPoint) => boolean

/** The usual way, always: what runs in production. */
export const NEVER: Buggify = () => false
