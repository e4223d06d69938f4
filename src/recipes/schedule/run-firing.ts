/**
 * Running one attempt of a firing, and saying what became of it.
 *
 * Always: a key that nobody minds any more goes. It would hold up the job for as long as this process lives. Its deletion is
 * tried when what became of the firing cannot be written, on a full disk, say; the lease, on which the firings of other
 * jobs hang, is ended only where that fails, too.
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
  let then = thenOf(firing, options.attemptsMax)
  // Asked to stop, it did: that is no failure.
  const stopped = then === 'retried' && options.closing.aborted
  try {
    if (stopped) await firing.release()
    else if (then !== 'lost' && !firing.isCompleted)
      await firing.end({ state: endOf(firing, then), error: String(error) })
    // By a call of which the function was told nothing.
    if (firing.isCompleted) then = 'over'
  } catch (trouble) {
    if (firing.isLost) then = 'lost'
    else await leave(firing, trouble, options)
  }
  return stopped ? undefined : { scheduled, attempt, error, then }
}

async function leave(firing: Firing, trouble: unknown, { warn, session }: RunOptions): Promise<void> {
  const { scheduled, attempt } = firing
  warn('what became of a firing could not be said', { scheduled, attempt, reason: String(trouble) })
  await firing.release().catch(() => {
    // That it has gone may be seen before the answer comes.
    if (!firing.isLost) firing.abandon(session)
  })
}

function thenOf(firing: Firing, attemptsMax: number): JobFailure['then'] {
  if (firing.isCompleted) return 'over'
  if (firing.isLost) return 'lost'
  return firing.isRepeated && firing.attempt < attemptsMax ? 'retried' : 'over'
}

function endOf(firing: Firing, then: JobFailure['then']): 'failed' | 'given-up' {
  return then === 'over' && firing.isRepeated ? 'given-up' : 'failed'
}
