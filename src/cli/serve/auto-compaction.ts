/** `--auto-compaction-mode` and `--auto-compaction-retention` as `open({ autoCompaction })`. */
import type { AutoCompaction } from '../../store/options.js'
import { durationMsOf } from './duration.js'
import type { Values } from './flags.js'
import { SettingError } from './setting-error.js'

const HOUR_MS = 3_600_000

/** Undefined: none. Throws {@link SettingError}. */
export function autoCompactionOf(values: Values): AutoCompaction | undefined {
  const text = values['auto-compaction-retention']
  const mode = values['auto-compaction-mode']
  const number = /^\d+$/.test(text) ? Number(text) : undefined
  switch (mode) {
    case 'revision':
      if (number === undefined || !Number.isSafeInteger(number)) {
        throw new SettingError(
          `--auto-compaction-retention is a number of revisions with --auto-compaction-mode=revision, not ${text}`,
        )
      }
      return number === 0 ? undefined : { mode, retention: number }
    case 'periodic': {
      const retentionMs = number === undefined ? periodMsOf(text) : number * HOUR_MS
      return retentionMs === 0 ? undefined : { mode, retentionMs }
    }
  }
}

function periodMsOf(text: string): number {
  try {
    const ms = durationMsOf(text)
    if (ms >= 0) return ms
  } catch {
    // Told below, with what numbers mean.
  }
  throw new SettingError(
    `--auto-compaction-retention is hours, or a duration like 5m or 1h30m, with --auto-compaction-mode=periodic, not ${text}`,
  )
}
