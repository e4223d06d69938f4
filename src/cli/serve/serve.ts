/**
 * `quorate serve`: a member of a cluster as a process of its own, in the place of the program `etcd`.
 *
 * Always: what is wrong with flags is told before anything is opened, in one line. From then on all goes to the log.
 * Exit codes are etcd's: 2 for words that are no flags, 1 for what cannot work, and ended by the signal that ended it.
 */
import { readFileSync } from 'node:fs'
import { isStoreError } from '../../base/errors.js'
import type { Logger } from '../../base/logger.js'
import { CloseOnSignal, type Closable } from '../../runtime/close-on-signal.js'
import type { ProcessSignals, SignalName } from '../../runtime/process-signals.js'
import { systemEnvironment } from '../../runtime/system.js'
import type { About } from '../command.js'
import { EXIT, type ExitCode, type Terminal } from '../terminal.js'
import { checkValues } from './check-values.js'
import { clusterPlanOf } from './cluster-plan.js'
import { dataDirectoryAt } from './data-directory.js'
import { featureNotes } from './feature-gates.js'
import { serveHelp, serveVersion } from './help.js'
import { logOutputsOf, type LogOutputs } from './log-outputs.js'
import { ServerLog } from './log.js'
import { dataDirOf, isExposed, memberOptionsOf } from './member-options.js'
import { RunningServer } from './running-server.js'
import { serverOptionsOf } from './server-options.js'
import { SettingError } from './setting-error.js'
import { Systemd } from './systemd.js'
import { isSecure } from './url.js'
import { valuesOf, type Given, type Note } from './values.js'
import { flagsOf } from './words.js'

/** Where a shell, a service manager or a terminal that closes end it. */
const SIGNALS: readonly SignalName[] = ['SIGTERM', 'SIGINT', 'SIGHUP']

export async function serve(words: readonly string[], terminal: Terminal, about: About): Promise<ExitCode> {
  const flags = flagsOf(words)
  if (flags.get('help') === 'true') return tell(terminal, serveHelp())
  if (flags.get('version') === 'true') return tell(terminal, serveVersion(about.version))
  try {
    const given = valuesOf({ flags, environment: process.env, readFile })
    const { values } = given
    const notes = [...given.notes, ...checkValues(given), ...featureNotes(values['feature-gates']).map(asNote)]
    const outputs = logOutputsOf(values['log-outputs'], terminal)
    const { 'log-level': level, 'log-format': format } = values
    const log = new ServerLog({ level, format, wallMs: Date.now, write: outputs.write })
    return await logged({ given, notes, terminal, log, outputs, about })
  } catch (error) {
    if (!(error instanceof SettingError)) throw error
    terminal.err(`quorate serve: ${error.message}. See: quorate serve --help\n`)
    return EXIT.failed
  }
}

interface Serving {
  readonly given: Given
  readonly notes: readonly Note[]
  readonly terminal: Terminal
  readonly log: ServerLog
  readonly outputs: LogOutputs
  readonly about: About
}

async function logged(serving: Serving): Promise<ExitCode> {
  const { log, outputs } = serving
  try {
    return await running(serving)
  } catch (error) {
    if (error instanceof SettingError) throw error
    const code = isStoreError(error) ? error.code : undefined
    log.write('fatal', 'serve', 'the member could not be started, or not be closed in order', {
      ...{ error: textOf(error), code },
      stack: code === undefined && error instanceof Error ? error.stack : undefined,
    })
    return EXIT.failed
  } finally {
    await outputs.close()
  }
}

async function running({ given, notes, terminal, log, outputs, about }: Serving): Promise<ExitCode> {
  const { values } = given
  const logger = log.named('serve')
  const dataDir = dataDirOf(values)
  const plan = clusterPlanOf(given, await dataDirectoryAt(dataDir))
  logger.info('starting', {
    name: values.name,
    dataDir,
    version: about.version,
    node: process.version,
    pid: process.pid,
  })
  for (const { level, text } of [...notes, ...plan.notes]) logger[level](text)
  if (isExposed(values)) {
    logger.warn('members speak to each other without TLS: whoever reaches this port can read and change everything')
  }
  const member = {
    ...memberOptionsOf(values, readFile),
    ...plan.options,
    environment: systemEnvironment(log.named('member')),
  }
  const systemd = new Systemd(process.env, logger)
  const signals = new CloseOnSignal(SIGNALS, terminal.takeSignals?.() ?? signalsOf(terminal.signal), logger)
  try {
    const starting = RunningServer.start({ ...member, signal: signals.coming }, serverOptionsOf(values))
    await signals.opening(starting.then((server) => endingOf({ server, logger, systemd, outputs })))
    return await served({ server: await starting, given, logger, systemd })
  } catch (error) {
    // The signal ends the process, once this is done.
    if (isStoreError(error, 'CLOSED') && signals.coming.aborted) return EXIT.done
    throw error
  } finally {
    signals.stop()
  }
}

/** All that is done before the signal may end the process. */
function endingOf({ server, logger, systemd, outputs }: Omit<Served, 'given'> & Pick<Serving, 'outputs'>): Closable {
  return {
    close: async () => {
      await Promise.all([server.close(), systemd.stopping()])
      logger.info('closed')
      await outputs.close()
    },
  }
}

interface Served {
  readonly server: RunningServer
  readonly given: Given
  readonly logger: Logger
  readonly systemd: Systemd
}

/** Resolves when the member has ended; that of a signal ends the process as well. */
async function served({ server, given, logger, systemd }: Served): Promise<ExitCode> {
  const { values } = given
  logger.info('listening', { clientUrls: server.clientUrls.join(',') })
  void server.ready(logger).then(async (ready) => {
    if (!ready) return
    const { clusterId, memberId, name } = server.store.status()
    // Tools wait for this text.
    logger.info('ready to serve client requests', { name, clusterId: hex(clusterId), memberId: hex(memberId) })
    if (values['listen-client-urls'].some((url) => !isSecure(url))) {
      logger.info('clients are served without TLS: only for machines and networks where nobody else listens')
    }
    await systemd.ready()
  })
  const ending = await server.ended
  switch (ending.type) {
    case 'removed':
      logger.info('this member was removed from the cluster; its data directory is of no further use')
      await server.close()
      return EXIT.done
    case 'closed':
      return EXIT.done
    case 'failed':
      logger.error('the member stopped itself', { error: textOf(ending.error) })
      await server.close()
      return EXIT.failed
  }
}

/** Without a process of its own: the terminal's signal stands for an interrupt, and nothing is ended by force. */
function signalsOf(signal: AbortSignal): ProcessSignals {
  return {
    on: (name, listener) => {
      if (name !== 'SIGINT') return () => undefined
      signal.addEventListener('abort', listener, { once: true })
      return () => {
        signal.removeEventListener('abort', listener)
      }
    },
    listened: () => true,
    end: () => undefined,
  }
}

function readFile(path: string): string {
  return readFileSync(path, 'utf8')
}

function asNote(text: string): Note {
  return { level: 'info', text }
}

function hex(id: number | bigint): string {
  return id.toString(16)
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function tell(terminal: Terminal, text: string): ExitCode {
  terminal.out(text)
  return EXIT.done
}
