/**
 * Tests of types: what they claim is checked by the compiler (`npm run check:types`), and nothing of it runs.
 *
 * A line that must not compile stands under `@ts-expect-error`, which is an error itself where it compiles.
 */
import { test } from 'vitest'
import type { Store } from 'quorate'

/** Declares what holds of the types of a store; the runner shows that the file was there. */
export function typesOf(name: string, claims: (store: Store) => unknown): void {
  test(name, () => void claims)
}
