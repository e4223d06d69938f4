/** `quorate snapshot save`: a backup of a member that does not run. */
import { saveOffline, type SavedOffline } from '../store/save-offline.js'
import type { Command } from './command.js'
import { TEMPORARY_FLAG } from './inspect.js'
import { bytesText, formatOf, OUTPUT_FLAGS, render, type Rows } from './output.js'
import { EXIT } from './terminal.js'

export const SNAPSHOT_SAVE: Command = {
  name: 'snapshot save',
  summary: 'saves a snapshot out of the data directory of a member that does not run',
  description:
    'Of a member that runs, its own process saves: saveSnapshot(store, path), or open({ backups }). Nothing in the\n' +
    'directory is changed but what is in its folder lock; on a mount that is read-only, nothing at all. What the\n' +
    'log holds behind the state is in the snapshot too: this member may have acknowledged it; of a member of\n' +
    'several it may also never have been. Where the log is damaged and the state is whole, --skip-log saves the\n' +
    'state as it was last written: what came after that is missing.',
  operands: ['FILE'],
  flags: [
    { name: 'data-dir', value: 'DIR', required: true, summary: 'the directory of the member' },
    { name: 'skip-log', summary: 'takes the state as it was last written, and looks at no log' },
    { name: 'overwrite', summary: 'replaces FILE where it is there' },
    TEMPORARY_FLAG,
    ...OUTPUT_FLAGS,
  ],
  async run({ operands, flags }, { out, err, signal }) {
    const format = formatOf({ operands, flags })
    const [path = ''] = operands
    const saved = await saveOffline({
      dataDir: flags.get('data-dir') ?? '',
      path,
      skipLog: flags.has('skip-log'),
      overwrite: flags.has('overwrite'),
      temporary: flags.get(TEMPORARY_FLAG.name),
      signal,
    })
    out(render(format, rowsOf(saved, path), { path, ...saved }))
    if (saved.replayed === undefined) {
      err(
        `quorate: the log was skipped: this is the state at entry ${saved.appliedIndex}, revision ${saved.revision}. ` +
          'What was acknowledged after that is not in it.\n',
      )
    }
    if (!saved.locked) {
      err(
        `quorate: nothing can be written to ${flags.get('data-dir') ?? ''} from here, so it was not locked; nothing in it ` +
          'changed while it was copied. A member that works on it elsewhere may have gone on since.\n',
      )
    }
    const meaning = saved.replayed === undefined ? 'damaged, and not in it' : 'damaged, and made anew out of the log'
    for (const what of saved.damage) err(`quorate: ${meaning}: ${what}\n`)
    return EXIT.done
  },
}

function rowsOf({ hash, revision, appliedIndex, term, records, bytes, replayed }: SavedOffline, path: string): Rows {
  const behind = replayed === undefined ? 'skipped' : `${replayed} entries behind the state are in it`
  return [
    ['saved', path],
    ['hash', hash],
    ['revision', revision],
    ['applied index', `${appliedIndex} of term ${term}`],
    ['log', behind],
    ['records', records],
    ['size', bytesText(bytes)],
  ]
}
