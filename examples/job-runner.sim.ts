/**
 * The job runner in a simulated world: three nodes whose processes pause and crash and whose network clogs and parts, on
 * virtual time, over many seeds. For each way to commit it says whether any job was paid twice, and how that came about.
 *
 *     npx tsx examples/job-runner.sim.ts
 *
 * What it finds: trusting the lock pays twice after a pause of the process that is longer than the lock's TTL. Looking at
 * the signal right before the write closes that hole and leaves another: the write itself can be on its way for longer
 * than the TTL, through a network that is clogged or parted. The guard closes both.
 */
import { compare, open, put, type Store } from 'quorate'
import {
  describeStory,
  simulate,
  type FaultType,
  type SimulatedWorld,
  type SimulateReport,
  type SimulationFailure,
} from 'quorate/testing'
import { guarded, looking, trusting, work, type Commit } from './job-runner.js'

const JOBS = Array.from({ length: 50 }, (_, nth) => `jobs/${nth + 10}`)

function simulateJobs(commit: Commit, kinds: readonly FaultType[], seeds: number): Promise<SimulateReport<string>> {
  return simulate<string, 'finished'>({
    seeds,
    nodes: ['a', 'b', 'c'],
    // Called on each node, and again after each crash. Everything it waits for comes from `env`: a crash ends it all.
    app: async (env) => {
      const store = await open(env.store)
      await submit(store)
      // The money is out of the house: no crash takes back what was reported.
      await work(store, env, commit, (job) => env.report(job))
      env.expose('finished')
    },
    // Each seed draws some of these kinds, and when, where and for how long.
    faults: { kinds, everyMs: 1_000 },
    forMs: 20_000,
    // A program that threw is started again, as a supervisor would do it.
    restartAfterMs: 1_000,
    // After every event: nothing was paid twice.
    always: paidOnce,
    // When the faults are over, the work gets done.
    healMs: 60_000,
    eventually: ({ nodes }) => nodes.every(({ exposed }) => exposed === 'finished'),
    onFailure: 'return',
  })
}

/** Any node may submit the jobs, and all do; each job is submitted once. */
async function submit(store: Store): Promise<void> {
  const never = compare('submitted').version('=', 0)
  await store.txn({ compare: [never], success: [put('submitted', ''), ...JOBS.map((job) => put(job, 'to do'))] })
}

function paidOnce({ observations }: SimulatedWorld<string>): void {
  const last = observations.at(-1)
  const first = observations.find(({ value }) => value === last?.value)
  if (first !== last) throw new Error(`${last?.value} was paid twice, by ${first?.node} and then by ${last?.node}`)
}

/** Of all that happened: what concerns the job that was paid twice, and what went wrong in the world meanwhile. */
function storyOf({ message, story }: SimulationFailure): string {
  const [job = ''] = /jobs\/\d+/.exec(message) ?? []
  return describeStory(story.filter(({ node, text }) => node === undefined || text.includes(job))).join('\n')
}

const seeds = Number(process.argv[2] ?? 40)
const all: readonly FaultType[] = ['pause', 'crash', 'clog', 'partition']
const programs = [
  // For this one it is enough that a process stands still.
  { name: 'trusting', commit: trusting, kinds: ['pause'] },
  { name: 'looking', commit: looking, kinds: all },
  { name: 'guarded', commit: guarded, kinds: all },
] as const
for (const { name, commit, kinds } of programs) {
  const { failure, seeds: ran, virtualMs } = await simulateJobs(commit, kinds, seeds)
  console.log(`\n${name}: ${ran} ${ran === 1 ? 'seed' : 'seeds'}, ${Math.ceil(virtualMs / 60_000)} simulated minutes`)
  if (failure === undefined) console.log('nothing was paid twice')
  else console.log(`seed ${failure.seed}: ${failure.message}\n${storyOf(failure)}`)
}
