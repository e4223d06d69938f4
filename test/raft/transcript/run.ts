/** Runs a transcript and returns it as it should be. */
import { COMMANDS } from './commands.js'
import { formatTranscript, parseTranscript, TranscriptError, type Command } from './parse.js'
import { World } from './world.js'

export function runTranscript(file: string, text: string): string {
  const blocks = parseTranscript(file, text)
  const world = new World()
  const shown = blocks.map(({ commands, shows }) => {
    for (const command of commands) runCommand(file, world, command)
    const lines = world.takeLines()
    return shows && lines.length === 0 ? ['(nothing)'] : lines
  })
  return formatTranscript(blocks, shown)
}

function runCommand(file: string, world: World, command: Command): void {
  const { line, name, words } = command
  const row = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (row === undefined) {
    throw new TranscriptError(
      file,
      line,
      `there is no command "${name}"; there are: ${Object.keys(COMMANDS).join(', ')}`,
    )
  }
  try {
    row.run(world, words)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new TranscriptError(file, line, `${reason} (usage: ${row.usage})`)
  }
}
