/** `quorate snapshot save`: of a member that runs, over the network; or with --data-dir of one that does not. */
import type { ForeignCommand } from './command.js'
import { SNAPSHOT_SAVE_REMOTE } from './ctl/commands.js'
import { commandHelp } from './help.js'
import { parseCommand } from './parse.js'
import { SNAPSHOT_SAVE } from './snapshot-save.js'
import { EXIT } from './terminal.js'

/** Flags that only reading a directory has. */
const OF_DIRECTORY = /^--(?:data-dir|skip-log|overwrite|temp-dir)(?:=|$)/

export const SNAPSHOT_SAVE_EITHER: ForeignCommand = {
  name: SNAPSHOT_SAVE.name,
  summary:
    'saves a snapshot of a member that runs (--endpoints), or out of the directory of one that does not (--data-dir)',
  operands: SNAPSHOT_SAVE.operands,
  flagsAnywhere: true,
  async runWords(words, terminal, about) {
    if (words.some((word) => word === '--help' || word === '-h')) {
      terminal.out(`With --data-dir, of a member that does not run:\n\n${commandHelp(SNAPSHOT_SAVE)}\n`)
      terminal.out('Without it, of the member at --endpoints:\n\n')
      return SNAPSHOT_SAVE_REMOTE.runWords(['--help'], terminal, about)
    }
    if (!words.some((word) => OF_DIRECTORY.test(word))) return SNAPSHOT_SAVE_REMOTE.runWords(words, terminal, about)
    const given = parseCommand(SNAPSHOT_SAVE, words)
    return given === 'help' ? EXIT.done : SNAPSHOT_SAVE.run(given, terminal)
  },
}
