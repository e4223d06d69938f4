/**
 * How fast simulated time goes by: three members, 20 operations a second. `npm run bench -- sim`. What the figures mean:
 * bench/README.md.
 *
 * Each round is a world of its own, as each seed of a long run is. In time of the processor; the best fifth and the middle
 * of the rounds, the rows in turn, so that a busy machine tells as little as may be.
 */
import { Checkers, SimWorld } from 'quorate/testing'

const ROUNDS = 25
const WARM_UP_ROUNDS = 8
const ROUND_MS = 60_000

interface Row {
  readonly name: string
  readonly operationsPerSecond: number
  readonly checked: boolean
  readonly draining?: 'in-turns'
}

const ROWS: readonly Row[] = [
  { name: 'idle', operationsPerSecond: 0, checked: false },
  { name: '20 operations/s', operationsPerSecond: 20, checked: false },
  { name: '20 operations/s, all checkers', operationsPerSecond: 20, checked: true },
  { name: '20 operations/s, a turn for each event', operationsPerSecond: 20, checked: false, draining: 'in-turns' },
]

interface Round {
  readonly cpuSeconds: number
  readonly events: number
}

async function round({ operationsPerSecond, checked, draining }: Row): Promise<Round> {
  const checkers = new Checkers()
  const world = new SimWorld({
    seed: 1,
    open: (name) => (checked ? { observe: checkers.observer(name) } : {}),
    ...(draining === undefined ? {} : { draining }),
  })
  for (const place of world.places) world.start(place)
  const led = (): boolean => world.statuses().some(({ role }) => role === 'leader')
  if (!(await world.run(led, 60_000))) throw new Error('no leader within a minute')
  world.network.setFaults({ delayMsMin: 1, delayMsHalf: 1 })
  if (operationsPerSecond > 0) operate(world, operationsPerSecond)
  const before = world.scheduler.events
  const cpu = process.cpuUsage()
  await world.run(
    () => false,
    ROUND_MS,
    checked
      ? () => {
          checkers.check()
        }
      : undefined,
  )
  const { user, system } = process.cpuUsage(cpu)
  return { cpuSeconds: (user + system) / 1e6, events: world.scheduler.events - before }
}

/** Every member in turn, half puts and half linearizable reads. */
function operate(world: SimWorld, perSecond: number): void {
  const timers = world.scheduler.timersOf()
  let count = 0
  const next = (): void => {
    timers.after(1000 / perSecond, next)
    const { store } = world.places[count % world.places.length] ?? {}
    const key = `k${count % 10}`
    if (store !== undefined) void (count % 2 === 0 ? store.put(key, `v${count}`) : store.range(key))
    count++
  }
  next()
}

const rounds = new Map<Row, Round[]>(ROWS.map((row) => [row, []]))
for (let nth = 0; nth < WARM_UP_ROUNDS + ROUNDS; nth++) {
  for (const row of ROWS) {
    const done = await round(row)
    if (nth >= WARM_UP_ROUNDS) rounds.get(row)?.push(done)
  }
}

console.log('| simulated seconds per second of one core | best fifth | median | events/s simulated | µs an event |')
console.log('| --- | ---: | ---: | ---: | ---: |')
for (const [{ name }, done] of rounds) {
  const sorted = [...done].sort((a, b) => a.cpuSeconds - b.cpuSeconds)
  const at = (part: number): Round => sorted[Math.floor(part * sorted.length)] ?? { cpuSeconds: NaN, events: NaN }
  const speed = ({ cpuSeconds }: Round): string => (ROUND_MS / 1000 / cpuSeconds).toFixed(0)
  const middle = at(0.5)
  const perEvent = ((1e6 * middle.cpuSeconds) / middle.events).toFixed(2)
  const perSecond = ((1000 * middle.events) / ROUND_MS).toFixed(0)
  console.log(`| ${name} | ${speed(at(0.2))} | ${speed(middle)} | ${perSecond} | ${perEvent} |`)
}
