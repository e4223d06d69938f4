/** Calling what somebody listens with, whose failures are not those of the recipe. */
import type { Environment } from '../base/clock.js'

/**
 * What it throws is logged, and so is what the promise rejects with that it returned: a listener that sends an alert is an
 * async function more often than not, and its rejection would end the process.
 */
export function callListener({ logger }: Environment, call: () => unknown): void {
  const failed = (error: unknown): void => {
    logger.warn('a listener failed', { reason: String(error) })
  }
  try {
    Promise.resolve(call()).catch(failed)
  } catch (error) {
    failed(error)
  }
}
