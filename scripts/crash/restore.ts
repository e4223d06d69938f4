/** Makes the directory of a member out of a snapshot, in a process that may be killed while it does: `restore.ts <options as JSON>`. */
import { restore, type RestoreOptions } from '../../src/index.js'

// Loading this program takes longer than the restore: whoever is to kill it in the middle wants to know when that begins.
process.send?.('begins')
await restore(JSON.parse(process.argv[2] ?? '') as RestoreOptions)
process.exit()
