/**
 * Running one attempt of a firing, and saying what became of it.
 *
 * Always: what was not said ends with the lease. A firing that nobody minds any more and whose key stays would hold up the
 * job for as long as this process lives.
 */
import type { Firing } from './firing.js'
import type { SharedSession } from '../session/shared-session.js'

/** What is run for each firing. */
export type JobFunction = (firing: Firing) => Promise<void> | void

/** An attempt that came to nothing: of this process, or of one that died, the last that the firing may have. */
export interface JobFailure {
  readonly scheduled: string
  readonly attempt: number
  /** What the function threw, or why the firing was lost. */
  readonly error: unknown
  /** `retried`: by whoever is first. `lost`: its lease ended or its key was removed, and others go on with it. `over`: nobody runs it again. */
  readonly then: 'retried' | 'lost' | 'over'
}

export interface RunOptions {
  readonly work: JobFunction
  readonly attemptsMax: number
  /** Of the claim. */
  readonly session: SharedSession
  /** Aborts when the job is closed. */
  readonly closing: AbortSignal
  readonly warn: (message: string, fields: Readonly<Record<string, string | number>>) => void
}

/** Resolves when it is over here: with what failed, or undefined. */
export async function runFiring(firing: Firing, options: RunOptions): Promise<JobFailure | undefined> {
  try {
    if (firing.isLost) firing.signal.throwIfAborted()
    // Begun while it was closed: whoever may run it again does, and nothing was done.
    if (options.closing.aborted && firing.isRepeated) await firing.release()
    else await run(firing, options.work)
    return undefined
  } catch (error) {
    return failed(firing, error, options)
  }
}

async function run(firing: Firing, work: JobFunction): Promise<void> {
  await work(firing)
  if (!firing.isCompleted) await firing.end({ state: 'done' })
}

async function failed(firing: Firing, thrown: unknown, options: RunOptions): Promise<JobFailure | undefined> {
  const { scheduled, attempt } = firing
  const error: unknown = firing.isLost ? firing.signal.reason : thrown
  const then = thenOf(firing, options.attemptsMax)
  // Asked to stop, it did: that is no failure.
  const stopped = then === 'retried' && options.closing.aborted
  try {
    if (stopped) await firing.release()
    else if (then !== 'lost' && !firing.isCompleted)
      await firing.end({ state: endOf(firing, then), error: String(error) })
  } catch (trouble) {
    options.warn('what became of a firing could not be said', { scheduled, attempt, reason: String(trouble) })
    firing.abandon(options.session)
  }
  return stopped ? undefined : { scheduled, attempt, error, then }
}

function thenOf(firing: Firing, attemptsMax: number): JobFailure['then'] {
  if (firing.isCompleted) return 'over'
  if (firing.isLost) return 'lost'
  return firing.isRepeated && firing.attempt < attemptsMax ? 'retried' : 'over'
}

function endOf(firing: Firing, then: JobFailure['then']): 'failed' | 'given-up' {
  return then === 'over' && firing.isRepeated ? 'given-up' : 'failed'
}
