/**
 * Three members that talk over mutual TLS, and get new certificates of a new authority while they run: nobody is closed, and
 * nothing that stands is dropped.
 *
 *     npx tsx examples/06-mutual-tls.ts
 *
 * Certificates come from your own authority. Here they are made on the spot, by a helper of the tests.
 */
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open, type LogFields, type Store } from 'quorate'
import { certificateAuthority, type Authority } from '../test/certificates.js'

const FIRST_PORT = Number(process.env['FIRST_PORT'] ?? 7601)
const folder = await mkdtemp(join(tmpdir(), 'quorate-mutual-tls-'))
const names = ['a', 'b', 'c']
const cluster = Object.fromEntries(names.map((name, at) => [name, `127.0.0.1:${FIRST_PORT + at}`]))
/** How often each member took new certificates, and who waits for it. */
const reloads = new Map(names.map((name) => [name, 0]))
let reloaded = (): void => undefined

const old = certificateAuthority('the old authority')
for (const name of names) await writeFiles(name, { ...issued(old, name), ca: old.cert })
const stores = new Map<string, Store>()
for (const name of names) stores.set(name, await openMember(name))
await storeOf('a').put('greeting', 'hello')
console.log(`c reads: ${(await storeOf('c').get('greeting'))?.text()}`)

// A new authority, in three steps, each done on all members before the next: so that at every moment each believes the others.
const young = certificateAuthority('the new authority')
await rotate(1, 'believe both authorities', () => ({ ca: old.cert + young.cert }))
await rotate(2, 'show certificates of the new one', (name) => issued(young, name))
await rotate(3, 'believe the new one alone', () => ({ ca: young.cert }))
await storeOf('b').put('greeting', 'hello again')

// What is dialled now is dialled with what counts now.
await storeOf('c').close()
stores.set('c', await openMember('c'))
console.log(`c reads after a restart: ${(await storeOf('c').get('greeting'))?.text()}`)

// One that still has a certificate of the old authority is not let in.
await storeOf('c').close()
await writeFiles('c', { ...issued(old, 'c'), ca: old.cert + young.cert })
const refused = new Promise<string>((resolve) => {
  stores.delete('c')
  void openMember('c', (reason) => {
    if (reason.includes('CERTIFICATE_REFUSED')) resolve(reason)
  }).then((store) => stores.set('c', store))
})
console.log(`with the old certificate: ${await refused}`)

await Promise.all([...stores.values()].map((store) => store.close()))
await rm(folder, { recursive: true })

async function openMember(name: string, unreachable: (reason: string) => void = () => undefined): Promise<Store> {
  const file = (what: string): string => join(folder, `${name}.${what}.pem`)
  const heard = (message: string, fields?: LogFields): void => {
    if (message === 'new certificates count for new connections') {
      reloads.set(name, (reloads.get(name) ?? 0) + 1)
      reloaded()
    }
    unreachable(String(fields?.['reason']))
  }
  return open({
    name,
    cluster,
    dataDir: join(folder, name),
    tls: { certFile: file('cert'), keyFile: file('key'), caFile: file('ca'), reloadIntervalMs: 100 },
    logger: { debug: () => undefined, info: heard, warn: heard, error: heard },
    electionTimeoutMs: 300,
    heartbeatIntervalMs: 50,
  })
}

async function rotate(
  step: number,
  what: string,
  files: (name: string) => Readonly<Record<string, string>>,
): Promise<void> {
  for (const name of names) await writeFiles(name, files(name))
  while (names.some((name) => (reloads.get(name) ?? 0) < step)) {
    await new Promise<void>((resolve) => {
      reloaded = resolve
    })
  }
  console.log(`step ${step}: all ${what}`)
}

/** What each member is to have: a certificate for its host, and the key. */
function issued(authority: Authority, name: string): Readonly<Record<string, string>> {
  const { cert, key } = authority.issue({ name, hosts: ['127.0.0.1'] })
  return { cert, key }
}

/** Each is renamed into its place. A member that reads between two of them finds that they do not fit, and looks again. */
async function writeFiles(name: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [what, text] of Object.entries(files)) {
    const path = join(folder, `${name}.${what}.pem`)
    await writeFile(`${path}.new`, text, { mode: 0o600 })
    await rename(`${path}.new`, path)
  }
}

function storeOf(name: string): Store {
  const found = stores.get(name)
  if (found === undefined) throw new Error(`${name} is closed`)
  return found
}
