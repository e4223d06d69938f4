/** Proposals on their way to the leader: encoded commands, several in one frame. */
import { Reader, Writer } from '../../base/codec.js'
import { LIMITS } from '../../base/limits.js'

export function encodeProposals(commands: readonly Uint8Array[]): Uint8Array {
  const writer = new Writer(4 + commands.reduce((bytes, command) => bytes + 4 + command.byteLength, 0))
  writer.uint32(commands.length)
  for (const command of commands) writer.bytes(command)
  return writer.finish()
}

/** The commands are views into `bytes`. No member has more of them waiting than a frame may hold. */
export function decodeProposals(bytes: Uint8Array): Uint8Array[] {
  const reader = new Reader(bytes, 'a frame of proposals')
  const count = reader.count(4, LIMITS.pendingProposalsMax)
  const commands: Uint8Array[] = []
  for (let at = 0; at < count; at++) commands.push(reader.bytes())
  reader.end()
  return commands
}
