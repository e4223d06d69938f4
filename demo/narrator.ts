/** Prints the account, each line with the seconds since the start. */
export class Narrator {
  readonly #startMs = performance.now()

  get elapsedMs(): number {
    return performance.now() - this.#startMs
  }

  /** Something happened. */
  say(text: string): void {
    console.log(`${seconds(this.elapsedMs).padStart(7)}  ${text}`)
  }

  /** How things stand: set off from what happens. */
  mention(text: string): void {
    this.say(`  · ${text}`)
  }

  /** A line without a time. */
  print(text = ''): void {
    console.log(text)
  }
}

/** "1.46 s" */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`
}

/** "1,234" */
export function count(value: number): string {
  return value.toLocaleString('en')
}
