/** The text of `quorate serve --help`, made of the table of flags; and what `--version` prints. */
import type { Flag } from './flag.js'
import { FLAG_GROUPS } from './flags.js'
import { ETCD_VERSION } from '../../etcd/wire/version.js'

export function serveHelp(): string {
  const groups = Object.entries(FLAG_GROUPS).flatMap(([title, flags]) => [
    `${title}:`,
    ...Object.entries(flags)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .flatMap(([name, flag]) => rowsOf(name, flag)),
    '',
  ])
  return [
    'usage: quorate serve [flags]',
    '',
    'Runs a member of a cluster as the command etcd does: with its flags, its variables (ETCD_INITIAL_CLUSTER is',
    '--initial-cluster) and its file (--config-file). docs/SERVE.md says how flags become what they are here.',
    '',
    ...groups,
  ].join('\n')
}

function rowsOf(name: string, { fallback, kind, meaning, fate }: Flag<unknown>): string[] {
  const rest = fate.type === 'supported' ? [] : [`${fate.type}: ${fate.why}`]
  const head = `  --${name} ${kind}${fallback === '' ? '' : ` (${fallback})`}`
  return [head, ...[meaning, ...rest].flatMap((text) => wrapped(text).map((line) => `      ${line}`))]
}

const LINE_MAX = 100

function wrapped(text: string): string[] {
  const lines: string[] = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? ''
    if (line === '') lines[lines.length - 1] = word
    else if (line.length + 1 + word.length <= LINE_MAX) lines[lines.length - 1] = `${line} ${word}`
    else lines.push(word)
  }
  return lines
}

/** Go's names for what Node calls otherwise: programs compare them. */
const GO_ARCH: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' }

/** In the lines that programs read of `etcd --version`. */
export function serveVersion(version: string): string {
  const { platform, arch, version: node } = process
  return [
    `etcd Version: ${ETCD_VERSION.server}`,
    `Git SHA: quorate-${version}`,
    `Go Version: none (Node.js ${node})`,
    `Go OS/Arch: ${platform === 'win32' ? 'windows' : platform}/${GO_ARCH[arch] ?? arch}`,
    '',
  ].join('\n')
}
