/** `npm run test:etcdctl`: every command of the real etcdctl on a real etcd and on ours, compared. `--help` says what it takes. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { usage } from './command-line.js'
import { CHAPTERS, type Chapter } from './etcdctl/chapters.js'
import { compare, type Difference } from './etcdctl/compare.js'
import { LISTED, LISTED_OF_QUORATE, type Listed } from './etcdctl/listed.js'
import { withoutNoise } from './etcdctl/noise.js'
import { mirrored } from './etcdctl/mirror.js'
import { Side } from './etcdctl/side.js'

const USAGE = `Runs every command of etcdctl against three members of a real etcd and three of ours, started with the same flags,
with TLS and client certificates, and compares what it says and its exit codes.

  npm run test:etcdctl                                  all chapters but those that take minutes
  npm run test:etcdctl -- --full                        all
  npm run test:etcdctl -- --chapter keys [--transcript]  one of them; --transcript prints what was said
  npm run test:etcdctl -- --client quorate              asks ours with this repository's command line in place of etcdctl
  --ours COMMAND                                        instead of this repository's build: 'etcd' compares etcd with itself

Needs \`etcd\` and \`etcdctl\` 3.4 on the path (Debian: etcd-server, etcd-client); without them nothing is run, which it says.
Exit code: 0 no difference but those listed; 1 another difference; 2 the command line makes no sense.`

// What was started is removed when the process exits, which a signal alone does not make it do.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1))

const QUORATE = [process.execPath, fileURLToPath(new URL('../dist/cli/bin.js', import.meta.url))]
const OURS = [...QUORATE, 'serve']
const CLIENTS: Readonly<Record<string, readonly string[]>> = { etcdctl: ['etcdctl'], quorate: QUORATE }

const { values } = parse()
process.exitCode = await main()

async function main(): Promise<number> {
  if (values.help) {
    console.log(USAGE)
    return 0
  }
  const missing = ['etcd', 'etcdctl'].filter((program) => spawnSync(program, ['--help']).error !== undefined)
  if (missing.length > 0) {
    console.log(`test:etcdctl: skipped, there is no ${missing.join(' and no ')} on the path`)
    return 0
  }
  const chapters = chosen()
  const startMs = performance.now()
  const sides: Side[] = []
  try {
    sides.push(await Side.start('etcd', ['etcd'], ['etcdctl']))
    sides.push(await Side.start('ours', values.ours?.split(' ') ?? OURS, client()))
    return await compareSides(sides as [Side, Side], chapters, startMs)
  } catch (error) {
    console.log(sides.map(({ said }) => said).join('\n'))
    throw error
  } finally {
    for (const side of sides) await side.stop()
  }
}

async function compareSides(
  [etcd, ours]: [Side, Side],
  chapters: readonly Chapter[],
  startMs: number,
): Promise<number> {
  const met = new Set<Listed>()
  let [entries, unlisted] = [0, 0]
  // First: a mirror of etcd 3.4 may lose a write once one of its members was killed.
  if (values.chapter === undefined) {
    for (const [from, to] of [
      [etcd, ours],
      [ours, etcd],
    ] as const) {
      const failure = await mirrored(from, to)
      console.log(`make-mirror from ${from.name} to ${to.name}: ${failure ?? 'as it should'}`)
      if (failure !== undefined) unlisted++
      await from.run(['del', '', '--prefix'], { note: 'nothing' })
      await to.run(['del', '', '--prefix'], { note: 'nothing' })
    }
  }
  for (const chapter of chapters) {
    const from = etcd.transcript.length
    await Promise.all([etcd, ours].map((side) => chapter.run(side)))
    const [one, other] = [etcd.transcript.slice(from), ours.transcript.slice(from)]
    const differences = compare(chapter.name, one.map(told), other.map(told), listed())
    const bad = differences.filter(({ listed }) => listed === undefined)
    for (const { listed } of differences) if (listed !== undefined) met.add(listed)
    console.log(`${chapter.name}: ${one.length} entries, ${bad.length} unlisted differences, ${seconds(startMs)} s`)
    if (values.transcript) console.log(other.join('\n\n'))
    for (const difference of bad) tell(difference)
    entries += one.length
    unlisted += bad.length
    // What follows would differ for no other reason.
    ours.transcript.length = etcd.transcript.length
  }
  const unmet = listed().filter((listed) => !met.has(listed) && chapters.some(({ name }) => name === listed.chapter))
  for (const { name } of unmet) console.log(`FAILED: listed, but it never occurred: ${name}`)
  console.log(
    `test:etcdctl: ${entries} entries in ${chapters.length} chapters, ${unlisted} unlisted differences, ` +
      `${met.size} of ${met.size + unmet.length} listed ones, ${seconds(startMs)} s`,
  )
  return unlisted > 0 || unmet.length > 0 ? 1 : 0
}

/** What is run on ours. */
function client(): readonly string[] {
  const found = CLIENTS[values.client]
  return found ?? usage(`there is no client ${values.client}, only ${Object.keys(CLIENTS).join(', ')}`)
}

function chosen(): readonly Chapter[] {
  const { chapter: name, full } = values
  if (name === undefined) return CHAPTERS.filter(({ long }) => full || long !== true)
  const found = CHAPTERS.filter((chapter) => chapter.name === name)
  return found.length > 0
    ? found
    : usage(`there is no chapter ${name}, only ${CHAPTERS.map((each) => each.name).join(', ')}`)
}

function listed(): readonly Listed[] {
  return values.client === 'quorate' ? LISTED_OF_QUORATE : LISTED
}

/** Our command line does not say what etcdctl's parts log, nor its help with every mistake. */
function told(entry: string): string {
  return values.client === 'quorate' ? withoutNoise(entry) : entry
}

function tell({ etcd, ours }: Difference): void {
  console.log(`FAILED:\n--- etcd\n${etcd ?? '(nothing)'}\n--- ours\n${ours ?? '(nothing)'}\n`)
}

function seconds(startMs: number): string {
  return ((performance.now() - startMs) / 1000).toFixed(0)
}

function parse() {
  try {
    return parseArgs({
      options: {
        full: { type: 'boolean', default: false },
        chapter: { type: 'string' },
        transcript: { type: 'boolean', default: false },
        ours: { type: 'string' },
        client: { type: 'string', default: 'etcdctl' },
        help: { type: 'boolean', default: false },
      },
    })
  } catch (error) {
    return usage(error instanceof Error ? error.message : String(error))
  }
}
