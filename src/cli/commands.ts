/** All commands. One that is added here has its help, its flags and its place in the list. */
import type { Command } from './command.js'
import { SNAPSHOT_RESTORE } from './snapshot-restore.js'
import { SNAPSHOT_STATUS } from './snapshot-status.js'

export const COMMANDS: readonly Command[] = [SNAPSHOT_STATUS, SNAPSHOT_RESTORE]
