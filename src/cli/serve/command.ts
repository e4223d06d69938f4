/** The entry of `quorate serve` in the table of commands. What is behind it is heavy, and loaded where somebody serves. */
import type { ForeignCommand } from '../command.js'

export const SERVE: ForeignCommand = {
  name: 'serve',
  summary: 'runs a member as an etcd server, with the flags of the command etcd',
  operands: [],
  async runWords(words, terminal, about) {
    const { serve } = await import('./serve.js')
    return serve(words, terminal, about)
  },
}
