/** What became of a write, as its caller was told. */
import { isStoreError } from 'quorate'

export type Told = 'done' | 'refused' | 'unknown'

/** Runs `write`, reports what became of it, and rejects as it did. */
export async function telling<Result>(report: (told: Told) => void, write: () => Promise<Result>): Promise<Result> {
  let result: Result
  try {
    result = await write()
  } catch (error) {
    report(isStoreError(error) && error.outcome === 'refused' ? 'refused' : 'unknown')
    throw error
  }
  report('done')
  return result
}
