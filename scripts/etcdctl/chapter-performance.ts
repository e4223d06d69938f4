import type { Side } from './side.js'

/** check: takes a minute or more each, and says whether the cluster is fast enough for what it is asked. */
export async function performance(side: Side): Promise<void> {
  const perf = await side.run(['check', 'perf', '--load=s'], { note: 'nothing' })
  side.remark(verdict(perf.out + perf.err))
  await side.run(['check', 'perf', '--load=huge'], { note: 'exit code' })
}

/** Without the bar that shows how far it is, and without figures. */
function verdict(said: string): string {
  const lines = said.split(/[\r\n]+/).filter((line) => /PASS|FAIL/.test(line))
  return lines.map((line) => line.replaceAll(/[\d.]+/g, '<number>')).join('\n')
}
