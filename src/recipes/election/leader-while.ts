/**
 * A work that is done by whoever leads, again and again, for as long as somebody lives.
 *
 * Always: one run at a time. Leadership that is lost aborts the signal of the run, and nobody can wait for more than that: a run
 * that was told to stop may take its time. Were this one to campaign meanwhile, it could be elected again, and a second run
 * would begin beside the first in the same process, which no token tells apart from it.
 * Always: nobody else is let in before the run has ended, where that is ours to decide: told to stop, it is waited for, and
 * then leadership is given up.
 */
import type { Store } from '../../api/store.js'
import type { Cancel } from '../../base/clock.js'
import { isStoreError } from '../../base/errors.js'
import { quote } from '../../base/quote.js'
import { Patience } from '../patience.js'

/** What is needed of a leadership. */
export interface Tenure {
  readonly signal: AbortSignal
  /** Aborts the signal and gives nothing up. */
  stop(reason: unknown): void
  resign(): Promise<void>
}

export interface LeadingWork<Led extends Tenure, Result> {
  readonly name: string
  readonly work: (leadership: Led) => Promise<Result> | Result
  /** May be called again when it rejects. */
  readonly campaign: (signal: AbortSignal) => Promise<Led>
  /** No campaign can succeed once it is aborted. */
  readonly session: AbortSignal | undefined
  readonly signal: AbortSignal | undefined
  /** Milliseconds after which a run that was told to stop and did not is warned of. */
  readonly warnAfterMs: number
}

/** What became of one run. */
type Ending<Result> =
  | { readonly type: 'returned'; readonly result: Result }
  | { readonly type: 'threw'; readonly error: unknown }
  /** Whatever it returned or threw. */
  | { readonly type: 'stopped' }

export async function leadWhile<Led extends Tenure, Result>(
  store: Store,
  leading: LeadingWork<Led, Result>,
): Promise<Result> {
  const patience = new Patience(store.environment, { signal: leading.signal })
  if (leading.session !== undefined) patience.endWith(leading.session)
  try {
    for (;;) {
      const leadership = await campaign(leading, patience)
      const ending = await run(store, leading, leadership, patience.signal)
      const resigned = leadership.resign().catch((error: unknown) => {
        store.environment.logger.warn('a leadership is left to its lease', { reason: String(error) })
      })
      // One that was lost is over for us: what is left of it goes while we stand in the line again.
      if (ending.type !== 'stopped' || patience.signal.aborted) await resigned
      if (ending.type === 'returned') return ending.result
      if (ending.type === 'threw') throw ending.error
    }
  } finally {
    patience.end()
  }
}

async function campaign<Led extends Tenure, Result>(
  { campaign: once }: LeadingWork<Led, Result>,
  patience: Patience,
): Promise<Led> {
  let elected: Led | undefined
  try {
    return await patience.insistThroughout('a campaign is held up', async (signal) => (elected = await once(signal)))
  } catch (error) {
    // Told to stop in the moment in which it was elected: nobody would ever resign.
    await elected?.resign().catch(() => undefined)
    throw error
  }
}

async function run<Led extends Tenure, Result>(
  store: Store,
  { name, work, warnAfterMs }: LeadingWork<Led, Result>,
  leadership: Led,
  stop: AbortSignal,
): Promise<Ending<Result>> {
  const { signal } = leadership
  const { environment } = store
  let warned: Cancel = () => undefined
  const warnLater = (delayMs: number): void => {
    warned = environment.timers.after(delayMs, () => {
      environment.logger.warn('a work goes on although its leadership is over', { election: quote(name), delayMs })
      warnLater(2 * delayMs)
    })
  }
  const onEnd = (): void => {
    warnLater(warnAfterMs)
  }
  const onStop = (): void => {
    leadership.stop(stop.reason)
  }
  signal.addEventListener('abort', onEnd, { once: true })
  stop.addEventListener('abort', onStop, { once: true })
  if (stop.aborted) onStop()
  if (signal.aborted) onEnd()
  try {
    const result = await work(leadership)
    return signal.aborted ? { type: 'stopped' } : { type: 'returned', result }
  } catch (error) {
    if (!signal.aborted) return { type: 'threw', error }
    if (!isStoreError(error) && !isReason(error, signal.reason)) {
      environment.logger.warn('a work ended with an error after its leadership was over', { reason: String(error) })
    }
    return { type: 'stopped' }
  } finally {
    warned()
    signal.removeEventListener('abort', onEnd)
    stop.removeEventListener('abort', onStop)
  }
}

/** Whoever passes the signal on gets its reason, or an error with that as its cause, as Node's own functions have it. */
function isReason(error: unknown, reason: unknown): boolean {
  return error === reason || (error instanceof Error && error.cause === reason)
}
