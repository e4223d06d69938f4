/**
 * Names of scheduled backups: `quorate-<time>-<member's name>-<its id>.snapshot`.
 *
 * They sort by time, say of whom they are, and tell the member which files are its own: several may share a folder.
 */
import { parseUtcText, utcText } from '../base/utc.js'

/** Of the member's name as it is shown; the id decides. */
const SHOWN_MAX = 32

export class BackupNames {
  readonly #pattern: RegExp
  readonly #tail: string

  constructor({ name, memberId }: { readonly name: string; readonly memberId: number }) {
    const shown = name.replaceAll(/[^A-Za-z0-9_]/g, '_').slice(0, SHOWN_MAX)
    this.#tail = `-${shown}-${memberId}.snapshot`
    this.#pattern = new RegExp(`^quorate-([0-9TZ]+)${this.#tail.replaceAll('.', '\\.')}(\\.[0-9a-f]{8}\\.part)?$`)
  }

  nameAt(wallMs: number): string {
    return `quorate-${utcText(wallMs)}${this.#tail}`
  }

  /** The time in a name that this member gives; undefined for those of others. */
  timeOf(file: string): number | undefined {
    const [, time = '', draft] = this.#pattern.exec(file) ?? []
    return draft === undefined ? parseUtcText(time) : undefined
  }

  /** Whether it is what a backup of this member left that did not come to its end. */
  isDraft(file: string): boolean {
    const [, time = '', draft] = this.#pattern.exec(file) ?? []
    return draft !== undefined && parseUtcText(time) !== undefined
  }

  /** Those of this member, the oldest first. */
  ownOf(files: readonly string[]): string[] {
    return files.filter((file) => this.timeOf(file) !== undefined).sort()
  }
}
