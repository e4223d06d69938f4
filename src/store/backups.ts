/**
 * Scheduled backups: this member's state, saved to a folder again and again.
 *
 *     open      looks when the last one was made: restarts neither put off the next one nor make more of them
 *     due       drafts of a crash go; a snapshot is written as by saveSnapshot; then those beyond `keep` go, the oldest first
 *     failed    logged, told in status(), tried again at the next interval
 *     close     ends the one that is under way, and removes what it wrote
 *
 * Always: one at a time. Always: what is removed has a name that only this member gives, and is a snapshot of it (of a draft
 * the name is all there is). A backup is removed only after a newer one was made.
 * Intervals are counted by the monotonic clock; the wall clock gives the names, and the age of what is found at the start.
 */
import type { Cancel, Environment } from '../base/clock.js'
import { LIMITS } from '../base/limits.js'
import type { BackupsStatus, LastBackup } from '../api/backups-status.js'
import type { BackupFolder } from '../storage/backup-folder.js'
import { BackupNames } from './backup-name.js'
import type { BackupSettings } from './backup-options.js'

export interface BackupsParts {
  readonly settings: BackupSettings
  /** Of whom they are. */
  readonly identity: { readonly name: string; readonly clusterId: number; readonly memberId: number }
  readonly environment: Environment
  readonly snapshot: (signal: AbortSignal) => AsyncIterable<Uint8Array>
  /** Whether the member has stopped itself: then there is nothing to save any more. */
  readonly stopped: () => boolean
}

export class Backups {
  readonly #parts: BackupsParts
  readonly #folder: BackupFolder
  readonly #names: BackupNames
  readonly #closing = new AbortController()
  #dueMs = Infinity
  #timer: Cancel | undefined
  /** What is to be waited for at the close. */
  #running: Promise<void> | undefined
  #saving = false
  #last: LastBackup | undefined
  #failure: string | undefined
  #failedInARow = 0

  constructor(parts: BackupsParts) {
    this.#parts = parts
    this.#folder = parts.settings.folder
    this.#names = new BackupNames(parts.identity)
  }

  /** Returns at once. `failure`: why the folder cannot be used just now; it is tried all the same when a backup is due. */
  start(failure?: Error): void {
    if (failure !== undefined) {
      this.#failure = failure.message
      this.#parts.environment.logger.error('the folder for backups cannot be used', { reason: failure.message })
    }
    this.#running = this.#begin().finally(() => {
      this.#running = undefined
    })
  }

  get status(): BackupsStatus {
    return {
      folder: this.#folder.location,
      underWay: this.#saving,
      last: this.#last,
      failedInARow: this.#failedInARow,
      failure: this.#failure,
    }
  }

  /** What is under way ends; nothing is begun any more. Never rejects, and never takes longer than LIMITS.backupEndMsMax. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#timer?.()
    const running = this.#running
    if (running === undefined) return
    // A folder on a network that hangs would hold the close as well.
    await new Promise<void>((resolve) => {
      const cancel = this.#parts.environment.timers.after(LIMITS.backupEndMsMax, resolve)
      void running.then(() => {
        cancel()
        resolve()
      })
    })
  }

  async #begin(): Promise<void> {
    const { settings, environment } = this.#parts
    const { clock } = environment
    const delayMs = Math.min(LIMITS.backupDelayMs, settings.intervalMs)
    const last = await this.#newest()
    this.#last = last
    const leftMs = last === undefined ? 0 : last.takenAtMs + settings.intervalMs - clock.wallMs()
    // A wall clock that was ahead puts nothing off for longer than one interval.
    this.#dueMs = clock.monotonicMs() + Math.min(Math.max(leftMs, delayMs), settings.intervalMs)
    this.#arm()
  }

  /** Undefined also where that cannot be found out: the backup that is tried then will tell why. */
  async #newest(): Promise<LastBackup | undefined> {
    try {
      const own = this.#names.ownOf(await this.#folder.list())
      for (const name of own.reverse()) {
        const header = await this.#folder.header(name).catch(() => undefined)
        if (header !== undefined && this.#isOwn(header)) {
          return { name, takenAtMs: header.createdAtMs, revision: header.revision }
        }
      }
    } catch {
      // Told by the backup.
    }
    return undefined
  }

  /** A timer may be shorter than it was asked to be: the time itself is looked at. */
  #arm(): void {
    if (this.#closing.signal.aborted) return
    const { clock, timers } = this.#parts.environment
    this.#timer = timers.after(Math.max(0, this.#dueMs - clock.monotonicMs()), () => {
      if (this.#closing.signal.aborted || this.#parts.stopped()) return
      if (clock.monotonicMs() < this.#dueMs) this.#arm()
      else this.#run()
    })
  }

  #run(): void {
    const { settings, environment } = this.#parts
    this.#saving = true
    this.#running = this.#backUp().finally(() => {
      this.#running = undefined
      this.#saving = false
      const nowMs = environment.clock.monotonicMs()
      this.#dueMs += settings.intervalMs
      // One that took longer than the interval is not followed by another one at once.
      if (this.#dueMs <= nowMs) this.#dueMs = nowMs + settings.intervalMs
      this.#arm()
    })
  }

  /** Never rejects. */
  async #backUp(): Promise<void> {
    const { environment } = this.#parts
    try {
      const files = await this.#folder.list()
      for (const file of files.filter((each) => this.#names.isDraft(each))) await this.#folder.remove(file)
      const name = this.#nextName(files)
      const suffix = environment.random.uint32().toString(16).padStart(8, '0')
      const { header, bytes } = await this.#folder.write(name, this.#parts.snapshot(this.#closing.signal), suffix)
      this.#last = { name, takenAtMs: header.createdAtMs, revision: header.revision }
      environment.logger.info('backup saved', { name, revision: header.revision, bytes })
      await this.#retain(this.#names.ownOf([...files, name]))
      this.#failure = undefined
      this.#failedInARow = 0
    } catch (error) {
      if (this.#closing.signal.aborted) return
      this.#failure = error instanceof Error ? error.message : String(error)
      this.#failedInARow++
      const fields = { reason: this.#failure, failedInARow: this.#failedInARow }
      environment.logger.error('backup failed; it is tried again at the next interval', fields)
    }
  }

  /** Behind all others by its time, whatever the wall clock says. */
  #nextName(files: readonly string[]): string {
    const newest = this.#names.ownOf(files).at(-1)
    const after = newest === undefined ? 0 : (this.#names.timeOf(newest) ?? 0) + 1
    return this.#names.nameAt(Math.max(this.#parts.environment.clock.wallMs(), after))
  }

  async #retain(own: readonly string[]): Promise<void> {
    const { settings, environment } = this.#parts
    for (const file of own.slice(0, Math.max(0, own.length - settings.keep))) {
      const header = await this.#folder.header(file).catch(() => undefined)
      if (header !== undefined && this.#isOwn(header)) await this.#folder.remove(file)
      else
        environment.logger.warn('a file with the name of a backup is none of this member, and is left alone', { file })
    }
  }

  #isOwn({ clusterId, memberId }: { readonly clusterId: number; readonly memberId: number }): boolean {
    const { identity } = this.#parts
    return clusterId === identity.clusterId && memberId === identity.memberId
  }
}
