/** All commands. One that is added here has its help, its flags and its place in the list. */
import type { AnyCommand } from './command.js'
import { CTL_COMMANDS } from './ctl/commands.js'
import { INSPECT } from './inspect.js'
import { SERVE } from './serve/command.js'
import { SNAPSHOT_RESTORE } from './snapshot-restore.js'
import { SNAPSHOT_SAVE_EITHER } from './snapshot-save-command.js'
import { SNAPSHOT_STATUS } from './snapshot-status.js'
import { VERIFY } from './verify.js'

export const COMMANDS: readonly AnyCommand[] = [
  SERVE,
  SNAPSHOT_SAVE_EITHER,
  SNAPSHOT_STATUS,
  SNAPSHOT_RESTORE,
  INSPECT,
  VERIFY,
  ...CTL_COMMANDS,
]
