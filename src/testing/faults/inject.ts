/**
 * Brings the faults of a plan about in a simulated world, each at its time, and takes them back.
 *
 * Always: faults may overlap in any way; what one of them ends does not end another one's.
 * Always: after `heal()` nothing is wrong any more and nothing further goes wrong, apart from what is lost for good.
 */
import { assertNever } from '../../base/assert.js'
import type { Cancel } from '../../base/clock.js'
import { PROTOCOL_VERSIONS } from '../../transport/handshake.js'
import type { CrashKind } from '../sim/sim-disk.js'
import type { Place, SimWorld } from '../sim/world.js'
import type { Fault, FaultType } from './fault.js'
import { Standing } from './standing.js'
import type { Supervisor } from './supervisor.js'

type Of<Type extends FaultType> = Fault & { readonly type: Type }

export interface InjectorOptions {
  readonly world: SimWorld
  /** Starts again what a fault takes down. */
  readonly supervisor: Pick<Supervisor, 'keepDown' | 'restart' | 'expectDiskFailure' | 'mayRot' | 'rots' | 'wipes'>
  readonly observe: (event: 'begin' | 'end', fault: Fault) => void
}

/** Less than the reserve of any disk. */
const LOW_BYTES = 1
/** The oldest protocol version that there is. */
const OLD_VERSION = PROTOCOL_VERSIONS.min
/** How long a program takes to be replaced by another version of it. */
const REPLACE_MS = 50
/** What one turn in a crash loop leaves a process to start in. */
const CRASH_LOOP_DOWN_MS = 1

export class Injector {
  /** How often each kind took effect. */
  readonly effects = new Map<FaultType, number>()
  readonly #options: InjectorOptions
  readonly #standing = new Standing()
  readonly #timers = new Set<Cancel>()
  /** What ends the faults that last. */
  readonly #ends = new Set<() => void>()
  /** Crashes that wait for a certain decision of a member. */
  readonly #armed = new Set<Of<'crash-at'>>()

  constructor(options: InjectorOptions) {
    this.#options = options
  }

  start(faults: readonly Fault[]): void {
    const { nowMs } = this.#options.world
    for (const fault of faults) {
      this.#later(fault.atMs - nowMs, () => {
        this.#begin(fault)
      })
    }
  }

  /** A member decided something: a crash may wait for that. It comes when the member's turn is over. */
  decided(member: string, event: string): void {
    for (const fault of this.#armed) {
      if (fault.member !== member || fault.event !== event) continue
      this.#armed.delete(fault)
      this.#later(0, () => {
        if (this.#crash(fault.member, 'power', fault.downMs)) this.#effect(fault)
        this.#over(fault)
      })
    }
  }

  heal(): void {
    for (const cancel of this.#timers) cancel()
    this.#timers.clear()
    for (const end of this.#ends) end()
    for (const fault of this.#armed) this.#over(fault)
    this.#armed.clear()
    const { network, places } = this.#options.world
    network.healAll()
    // Also of a sync that was to fail and has not been asked for yet.
    for (const { disk } of places) disk.heal()
  }

  #begin(fault: Fault): void {
    const { observe, world } = this.#options
    world.trace.note(`fault  ${JSON.stringify(fault)}`)
    observe('begin', fault)
    this.#apply(fault)
  }

  #apply(fault: Fault): void {
    switch (fault.type) {
      case 'crash':
        if (this.#crash(fault.member, fault.disk, fault.downMs)) this.#effect(fault)
        return this.#over(fault)
      case 'crash-loop':
        return this.#crashLoop(fault, fault.times)
      case 'crash-at':
        this.#armed.add(fault)
        return
      case 'restart':
        if (this.#options.supervisor.restart(fault.member, fault.downMs)) this.#effect(fault)
        return this.#over(fault)
      case 'rolling-restart':
        return this.#rollingRestart(fault, 0)
      case 'old-version':
        return this.#runOldVersion(fault)
      case 'pause':
        return this.#whilePaused(fault)
      case 'lag':
        return this.#last(fault, fault.forMs, `lag ${fault.member}`, fault.lateMs, (lateMs = 0) => {
          this.#options.world.lag(this.#place(fault.member), lateMs)
        })
      case 'clock-drift':
        return this.#last(fault, fault.forMs, `drift ${fault.member}`, fault.perMillion, (perMillion = 0) => {
          this.#place(fault.member).clock.drift(perMillion)
        })
      case 'clock-freeze':
        return this.#last(fault, fault.forMs, `freeze ${fault.member}`, true, (frozen) => {
          const { clock } = this.#place(fault.member)
          if (frozen) clock.freeze()
          else clock.thaw()
        })
      case 'wall-jump':
        this.#place(fault.member).clock.jumpWall(fault.byMs)
        this.#effect(fault)
        return this.#over(fault)
      case 'wall-swing':
        return this.#last(fault, fault.forMs, `swing ${fault.member}`, fault, (swing) => {
          const { clock } = this.#place(fault.member)
          if (swing === undefined) clock.steadyWall()
          else clock.swingWall(swing.byMs, swing.periodMs)
        })
      case 'cut':
        return this.#cut(fault, fault.forMs, bothWays(fault.from, fault.to))
      case 'cut-one-way':
        return this.#cut(fault, fault.forMs, [[fault.from, fault.to]])
      case 'partition':
        return this.#cut(fault, fault.forMs, betweenGroups(fault.groups))
      case 'ring':
        return this.#cut(fault, fault.forMs, this.#acrossRing())
      case 'clog':
        return this.#clog(fault, fault.forMs, [[fault.from, fault.to]])
      case 'swizzle':
        return this.#swizzle(fault)
      case 'slow-link':
      case 'bit-flips':
        return this.#spoilWay(fault)
      case 'reset':
        this.#options.world.network.reset(fault.from, fault.to)
        this.#effect(fault)
        return this.#over(fault)
      case 'disk-slow':
        // What takes many operations, a close for example, may come to take too long.
        this.#options.supervisor.expectDiskFailure(fault.member)
        return this.#last(fault, fault.forMs, `slow ${fault.member}`, fault.factor, (factor = 1) => {
          this.#place(fault.member).disk.slow(factor)
        })
      case 'disk-hang':
        this.#options.supervisor.expectDiskFailure(fault.member)
        return this.#last(fault, fault.forMs, `hang ${fault.member}`, true, (hung) => {
          const { disk } = this.#place(fault.member)
          if (hung) disk.hang()
          else disk.goOn()
        })
      case 'disk-full':
        this.#options.supervisor.expectDiskFailure(fault.member)
        return this.#last(fault, fault.forMs, `full ${fault.member}`, true, (full) => {
          const { disk } = this.#place(fault.member)
          if (full) disk.fill()
          else disk.free()
        })
      case 'disk-low':
        return this.#last(fault, fault.forMs, `low ${fault.member}`, true, (low) => {
          this.#place(fault.member).disk.leave(low ? LOW_BYTES : undefined)
        })
      case 'sync-failure':
        this.#options.supervisor.expectDiskFailure(fault.member, fault.downMs)
        this.#place(fault.member).disk.failNextSync()
        this.#effect(fault)
        return this.#over(fault)
      case 'disk-rot':
        return this.#rot(fault)
      case 'state-rot':
        return this.#rotState(fault)
      case 'disk-wipe':
        return this.#wipe(fault)
      default:
        return assertNever(fault, 'a fault')
    }
  }

  /** Whether there was a process to crash. It stays down for `downMs` in either case. */
  #crash(member: string, disk: CrashKind, downMs: number): boolean {
    const { world, supervisor } = this.#options
    const place = this.#place(member)
    const runs = place.process !== undefined
    if (runs) world.crash(place, disk)
    supervisor.keepDown(member, downMs)
    return runs
  }

  #crashLoop(fault: Of<'crash-loop'>, times: number): void {
    if (this.#crash(fault.member, times % 2 === 0 ? 'power' : 'process', CRASH_LOOP_DOWN_MS)) this.#effect(fault)
    if (times === 1) return this.#over(fault)
    this.#later(CRASH_LOOP_DOWN_MS + fault.everyMs, () => {
      this.#crashLoop(fault, times - 1)
    })
  }

  #rollingRestart(fault: Of<'rolling-restart'>, nth: number): void {
    const { world, supervisor } = this.#options
    const place = world.places[nth]
    if (place === undefined) return this.#over(fault)
    if (supervisor.restart(place.name, fault.downMs)) this.#effect(fault)
    this.#later(fault.downMs + fault.pauseMs, () => {
      this.#rollingRestart(fault, nth + 1)
    })
  }

  /** Counts where there was a process to be replaced by an older one. */
  #runOldVersion(fault: Of<'old-version'>): void {
    const { supervisor } = this.#options
    const place = this.#place(fault.member)
    this.#last(fault, fault.forMs, `version ${fault.member}`, OLD_VERSION, (version) => {
      place.version = version
      supervisor.restart(fault.member, REPLACE_MS)
    })
  }

  #whilePaused(fault: Of<'pause'>): void {
    const { world } = this.#options
    const place = this.#place(fault.member)
    // A pause is of one process: what is started after its crash runs.
    const { process } = place
    if (process === undefined) return this.#over(fault)
    this.#last(fault, fault.forMs, `pause ${fault.member}`, process, (paused) => {
      if (place.process !== process) return
      if (paused === process) world.pause(place)
      else world.resume(place)
    })
  }

  #cut(fault: Fault, forMs: number, ways: readonly Way[]): void {
    const { network } = this.#options.world
    const ends = ways.map(([from, to]) =>
      this.#standing.begin(wayName('cut', from, to), true, (cut) => {
        if (cut) return network.cutOneWay(from, to)
        network.heal(from, to)
        if (this.#standing.has(wayName('cut', to, from))) network.cutOneWay(to, from)
      }),
    )
    this.#endAfter(fault, forMs, ends)
  }

  #clog(fault: Fault, forMs: number, ways: readonly Way[]): void {
    this.#endAfter(fault, forMs, this.#clogged(ways))
  }

  #clogged(ways: readonly Way[]): (() => void)[] {
    const { network } = this.#options.world
    return ways.map(([from, to]) =>
      this.#standing.begin(wayName('clog', from, to), true, (clogged) => {
        if (clogged) network.clog(from, to)
        else network.unclog(from, to)
      }),
    )
  }

  /** Clogged in the order given, freed beginning in the middle of it. */
  #swizzle(fault: Of<'swizzle'>): void {
    const { members, stepMs } = fault
    const half = members.length >> 1
    const freed = [...members.slice(half), ...members.slice(0, half)]
    const ends = new Map<string, () => void>()
    const steps = [
      ...members.map((member) => () => {
        const others = this.#options.world.places.map(({ name }) => name).filter((name) => name !== member)
        const clogged = this.#clogged(others.flatMap((other) => bothWays(member, other)))
        ends.set(member, () => {
          for (const end of clogged) end()
        })
      }),
      ...freed.map((member) => () => {
        ends.get(member)?.()
      }),
    ]
    steps.forEach((step, at) => {
      if (at === 0) step()
      else this.#later(at * stepMs, step)
    })
    this.#endAfter(fault, steps.length * stepMs, [
      () => {
        for (const end of ends.values()) end()
      },
    ])
  }

  /** Rates of one way: what several faults ask for it stands together. */
  #spoilWay(fault: Of<'slow-link' | 'bit-flips'>): void {
    const { network } = this.#options.world
    const { from, to } = fault
    const faults =
      fault.type === 'slow-link' ? { bytesPerSecond: fault.bytesPerSecond } : { flipPerMillion: fault.perMillion }
    this.#last(fault, fault.forMs, wayName(fault.type, from, to), faults, (now) => {
      this.#spoiled.set(wayName(fault.type, from, to), now ?? {})
      network.setWayFaults(from, to, {
        ...this.#spoiled.get(wayName('slow-link', from, to)),
        ...this.#spoiled.get(wayName('bit-flips', from, to)),
      })
    })
  }

  readonly #spoiled = new Map<string, { readonly bytesPerSecond?: number; readonly flipPerMillion?: number }>()

  /**
   * While the process is down for it, and not after a loss of power: that takes the newest of the high-water file with it,
   * without which a member cannot notice that the end of its log is gone. Together they are a disk that lies.
   */
  #rot(fault: Of<'disk-rot'>): void {
    const { supervisor } = this.#options
    if (supervisor.mayRot(fault.member) && this.#crash(fault.member, 'process', fault.downMs)) {
      supervisor.rots(fault.member)
      if (this.#place(fault.member).disk.rot(fault.rot, fault.part)) this.#effect(fault)
    }
    this.#over(fault)
  }

  /** It goes on, and finds it when it reads there, or at its next start. */
  #rotState(fault: Of<'state-rot'>): void {
    const { supervisor } = this.#options
    const { process, disk } = this.#place(fault.member)
    if (process !== undefined && supervisor.mayRot(fault.member)) {
      supervisor.rots(fault.member)
      if (disk.rot(fault.rot, 'state')) this.#effect(fault)
    }
    this.#over(fault)
  }

  /** As {@link #rot}: nobody could bring back what is gone from two of three disks. */
  #wipe(fault: Of<'disk-wipe'>): void {
    const { supervisor } = this.#options
    if (supervisor.mayRot(fault.member) && this.#crash(fault.member, 'process', fault.downMs)) {
      supervisor.wipes(fault.member)
      this.#effect(fault)
    }
    this.#over(fault)
  }

  /** `value` stands for `thing` for a while. */
  #last<Value>(fault: Fault, forMs: number, thing: string, value: Value, apply: (value?: Value) => void): void {
    this.#endAfter(fault, forMs, [this.#standing.begin(thing, value, apply)])
  }

  #endAfter(fault: Fault, forMs: number, ends: readonly (() => void)[]): void {
    this.#effect(fault)
    const end = (): void => {
      this.#ends.delete(end)
      for (const each of ends) each()
      this.#over(fault)
    }
    this.#ends.add(end)
    this.#later(forMs, end)
  }

  #over(fault: Fault): void {
    this.#options.observe('end', fault)
  }

  #effect({ type }: Fault): void {
    this.effects.set(type, (this.effects.get(type) ?? 0) + 1)
  }

  #later(delayMs: number, action: () => void): void {
    const cancel = this.#options.world.scheduler.timersOf().after(Math.max(0, delayMs), () => {
      this.#timers.delete(cancel)
      action()
    })
    this.#timers.add(cancel)
  }

  /** Pairs that are not neighbours in the order of the members. */
  #acrossRing(): Way[] {
    const names = this.#options.world.places.map(({ name }) => name)
    return names.flatMap((from, at) =>
      names
        .filter((_, other) => ![0, 1, names.length - 1].includes((other - at + names.length) % names.length))
        .map((to): Way => [from, to]),
    )
  }

  #place(member: string): Place {
    return this.#options.world.place(member)
  }
}

type Way = readonly [from: string, to: string]

function wayName(what: string, from: string, to: string): string {
  return `${what} ${from} ${to}`
}

function bothWays(a: string, b: string): Way[] {
  return [
    [a, b],
    [b, a],
  ]
}

function betweenGroups(groups: readonly (readonly string[])[]): Way[] {
  return groups.flatMap((group, at) =>
    groups.flatMap((other, otherAt) =>
      at === otherAt ? [] : group.flatMap((from) => other.map((to): Way => [from, to])),
    ),
  )
}
