/** One member of a run with a crowd: `member.ts <settings as JSON>`. */
import { Parent } from '../../demo/processes/parent.js'
import { open } from '../../src/index.js'
import { httpTransport } from '../../src/transport/index.js'
import type { MemberCommand, MemberReport, MemberSettings, Usage } from './messages.js'

const settings = JSON.parse(process.argv[2] ?? '') as MemberSettings
const parent = new Parent<MemberCommand, MemberReport>(answer)
const { way, tls, ...options } = settings
const address = settings.cluster[settings.name] ?? ''
const store = await open({
  ...options,
  ...(tls !== undefined && { tls }),
  ...(way === 'http' && {
    transport: (environment) => httpTransport({ listen: new URL(address).host, environment }),
  }),
})
store.on('failed', (error) => void parent.report({ type: 'failed', reason: error.stack ?? error.message }))
await parent.report({ type: 'opened' })

async function answer(command: MemberCommand): Promise<unknown> {
  switch (command.type) {
    case 'ready':
      return store.ready({ timeoutMs: 30_000 })
    case 'puts':
      return puts(command.forMs)
    case 'usage':
      return usage()
  }
}

async function puts(forMs: number): Promise<number[]> {
  const took: number[] = []
  for (const endMs = performance.now() + forMs; performance.now() < endMs;) {
    const startMs = performance.now()
    await store.put(`key/${took.length % 100}`, 'a value of some bytes')
    took.push(performance.now() - startMs)
    // So that no member is busy with the load alone.
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  return took
}

function usage(): Usage {
  const sockets = process.getActiveResourcesInfo().filter((name) => /TCPSocket|TLS/.test(name)).length
  return { sockets, rssBytes: process.memoryUsage().rss }
}
