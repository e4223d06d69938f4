/** Times in words: short ones in milliseconds, long ones in seconds. */

/** `350 ms`, `1.2 s` */
export function describeMs(ms: number): string {
  return Math.abs(ms) < 1000 ? `${Number(ms.toFixed(3))} ms` : `${Number((ms / 1000).toFixed(3))} s`
}
