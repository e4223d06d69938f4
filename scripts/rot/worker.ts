/** A process of a rot run: prepares directories, or makes trials. LevelDB may end it, so the run is not in here. */
import { Parent } from '../../demo/processes/parent.js'
import type { Command, Report } from './messages.js'
import { Preparing } from './prepare.js'
import { RotTrial } from './trial.js'

let preparing: Preparing | undefined

const parent = new Parent<Command, Report>(async (command) => {
  switch (command.type) {
    case 'prepare':
      preparing = new Preparing((report) => parent.report(report), command)
      // Goes on until it is closed.
      preparing.run().catch(fail)
      return undefined
    case 'close':
      return preparing?.close()
    case 'trial':
      return new RotTrial(command).run()
  }
})

function fail(error: unknown): void {
  console.error(error)
  process.exit(1)
}
