/** `open()`: puts a member together from its parts and hands it out as a Store. The only place where defaults are chosen. */
import { assert } from '../base/assert.js'
import type { Environment } from '../base/clock.js'
import { isStoreError, StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { SILENT } from '../base/logger.js'
import type { Store } from '../api/store.js'
import { Member } from '../member/member.js'
import { CloseOnSignal } from '../runtime/close-on-signal.js'
import { diagnosticsSpans } from '../runtime/diagnostics-spans.js'
import { JwtTokens } from '../runtime/jwt.js'
import { Passwords } from '../runtime/password.js'
import { PROCESS_SIGNALS } from '../runtime/process-signals.js'
import { SYSTEM_SECRETS } from '../runtime/secrets.js'
import { systemEnvironment } from '../runtime/system.js'
import type { BackupFolder } from '../storage/backup-folder.js'
import type { Disk } from '../storage/disk.js'
import { levelDisk } from '../storage/level-disk.js'
import { memoryDisk } from '../storage/memory-disk.js'
import { tcpTransport } from '../transport/tcp.js'
import type { Transport } from '../transport/transport.js'
import { checkDialled, joiningAddressOf, listenAddressOf } from './addresses.js'
import type { BackupSettings } from './backup-options.js'
import { Backups } from './backups.js'
import {
  clusterSettingsOf,
  forgetfulMember,
  joinSettingsOf,
  withMembersFound,
  type ClusterSettings,
  type JoinSettings,
} from './cluster-options.js'
import { piecesOf } from './embedded-snapshot.js'
import { EmbeddedStore } from './embedded-store.js'
import { forceNewCluster } from './force-new-cluster.js'
import { Listeners } from './listeners.js'
import { joinCluster, whoElseOf, type Joined, type JoiningParts } from './join-cluster.js'
import { checkKinds, tuningOf, type OpenOptions, type Settings, type Tuning } from './options.js'
import { checkTransport, harmlessLogger, harmlessObserver } from './ports.js'

/**
 * Opens a member of a cluster inside this process, and the store over it.
 *
 * Resolves once the data on disk is loaded and the member listens; it does not wait for other members, so that several
 * can be opened one after the other. Await {@link Store.ready} for a leader. Only what `join` asks for in an empty directory
 * is waited for, and a function that finds members.
 *
 * Rejects with TypeError or RangeError for options that make no sense, and with {@link StoreError}: `DATA_DIR_IN_USE`,
 * `WRONG_CLUSTER`, `WRONG_MEMBER`, `FORMAT_TOO_NEW`, `DATA_DAMAGED`, `DISK_FAILED`, `ADDRESS_IN_USE`, `ADDRESS_INVALID`,
 * `JOIN_FAILED`, `DISCOVERY_FAILED`, `ABORTED`, and `ALREADY_EXISTS` for `backups.dir` within a data directory. Nothing is left
 * open or changed then.
 *
 * @example
 * const store = await open({ dataDir: './data' })
 * await store.put('greeting', 'hello')
 * console.log((await store.get('greeting'))?.text())
 * await store.close()
 */
export async function open(options: OpenOptions = {}): Promise<Store> {
  checkKinds(options)
  const tuning = tuningOf(options)
  const environment = environmentOf(options)
  const { closeOn } = tuning
  if (closeOn.length === 0) return openStore(options, tuning, environment)
  const signals = new CloseOnSignal(closeOn, PROCESS_SIGNALS, environment.logger)
  const closed = (): void => {
    signals.stop()
  }
  const signal = options.signal === undefined ? signals.coming : AbortSignal.any([options.signal, signals.coming])
  return signals.opening(openStore({ ...options, signal }, tuning, environment, closed))
}

async function openStore(
  given: OpenOptions,
  tuning: Tuning,
  environment: Environment,
  closed?: () => void,
): Promise<Store> {
  const joining = joinSettingsOf(given)
  const options = typeof given.cluster === 'function' ? await withMembersFound(given, environment) : given
  const first = joining === undefined ? clusterSettingsOf(options) : undefined
  const { quotaBytes } = tuning
  if (quotaBytes > LIMITS.quotaBytesAdvised && quotaBytes < Infinity) {
    environment.logger.warn('the quota is larger than advised', { quotaBytes, advised: LIMITS.quotaBytesAdvised })
  }
  const listeners = new Listeners(environment.logger)
  const { jwt, scrypt, simpleTokenTtlMs } = tuning.auth
  const { clock, secrets = SYSTEM_SECRETS } = environment
  const tokens = jwt && new JwtTokens(jwt, () => clock.wallMs())
  const passwords = new Passwords({ secrets, ...(scrypt && { parameters: scrypt }) })
  const disk = diskOf(options)
  // Before the directory is changed: options that could never work must not get that far.
  const transport = transportOf(options, first ?? joining, environment)
  const backupFolder = tuning.backups?.folder
  const backupsFail = backupFolder?.check && (await whyUnusable(backupFolder, options.dataDir))
  const cluster =
    first === undefined
      ? await joined({ joining, disk, transport, environment, signal: options.signal })
      : { ...first, whoElse: whoElseOf(first, transport, environment) }
  const settings = { ...tuning, ...cluster }
  if (settings.forceNewCluster !== false) await forceNewCluster({ disk, settings, environment })
  const member = await Member.open({
    ...settings,
    simpleTokenTtlMs,
    disk,
    transport,
    environment,
    listener: listeners,
    observe: options.observe && harmlessObserver(options.observe, environment.logger),
  })
  const backups = settings.backups && backupsOf(settings, settings.backups, member, environment)
  backups?.start(backupsFail)
  warnOfAddress(member, joining ?? first, environment)
  const checkReachable = reachableOf(options, settings, transport)
  const common = { member, settings, checkReachable, environment, listeners }
  const parts = { ...common, passwords, secrets, jwt: tokens, backups, closed }
  return EmbeddedStore.owned(parts)
}

/**
 * A folder in a data directory is a mistake. One that is not there is no reason not to start: a member must not need the
 * volume of its backups.
 */
async function whyUnusable(folder: BackupFolder, dataDir: string | undefined): Promise<Error | undefined> {
  try {
    await folder.check?.(dataDir)
    return undefined
  } catch (error) {
    if (isStoreError(error, 'DISK_FAILED')) return error
    throw error
  }
}

/** The logger that was named beats the one in the environment; either may do what it likes, and harms nobody. */
function environmentOf({ environment, logger }: OpenOptions): Environment {
  const given = environment ?? systemEnvironment()
  return {
    ...given,
    spans: given.spans ?? diagnosticsSpans(),
    logger: harmlessLogger(logger ?? environment?.logger ?? SILENT),
  }
}

function backupsOf(identity: Settings, settings: BackupSettings, member: Member, environment: Environment): Backups {
  const snapshot = (signal: AbortSignal): AsyncIterable<Uint8Array> => piecesOf(member.upkeep.snapshot(signal))
  return new Backups({ settings, identity, environment, snapshot, stopped: () => member.stopped })
}

function diskOf(options: OpenOptions): Disk {
  if (options.disk !== undefined) return options.disk
  return options.dataDir === undefined ? memoryDisk() : levelDisk(options.dataDir)
}

/** Nothing is left open where it is not let in. */
async function joined({ joining, transport, ...parts }: Joining): Promise<Joined> {
  assert(joining !== undefined && transport !== undefined, 'a member that joins has an address and a transport')
  try {
    return await joinCluster({ ...parts, joining, transport })
  } catch (error) {
    await transport.close()
    throw error
  }
}

type Joining = Omit<JoiningParts, 'joining' | 'transport'> & {
  readonly joining: JoinSettings | undefined
  readonly transport: Transport | undefined
}

/** Where it was opened with another address than the others have for it, they do not reach it. */
function warnOfAddress(
  { id, addressBook }: Member,
  cluster: ClusterSettings | JoinSettings | undefined,
  { logger }: Environment,
): void {
  if (cluster === undefined) return
  const own = 'members' in cluster ? cluster.members.find((member) => member.id === id)?.address : cluster.address
  const recorded = addressBook.find(id)?.address
  if (recorded === undefined || recorded === own) return
  logger.warn('the cluster has another address for this member: tell it the new one, with store.cluster.update()', {
    ...{ recorded, address: own },
  })
}

/** What is asked of addresses before somebody is to be reached by them. Of a transport of their own users know that. */
function reachableOf({ transport: given }: OpenOptions, { forgetful }: Settings, transport: Transport | undefined) {
  return (address: string, whose: string): void => {
    if (forgetful) throw forgetfulMember()
    if (transport === undefined || address === '') {
      throw new StoreError(
        'ADDRESS_INVALID',
        'This member listens nowhere, so that no other could reach it. Close it, and open it with `listen`, and with `advertise` ' +
          'where that is not what others can dial.',
      )
    }
    if (given === undefined) checkDialled(address, whose)
  }
}

function transportOf(
  options: OpenOptions,
  cluster: ClusterSettings | JoinSettings | undefined,
  environment: Environment,
): Transport | undefined {
  const { transport } = options
  if (typeof transport === 'function') {
    const made = transport(environment)
    checkTransport(made, 'what the function `transport` returned')
    return made
  }
  if (transport !== undefined) return transport
  assert(cluster !== undefined, 'a member is one of the first, or joins')
  const listen = 'members' in cluster ? listenAddressOf(options, cluster) : joiningAddressOf(options, cluster)
  if (listen === '') return undefined
  const { insecure = false, tls } = options
  return tcpTransport({ listen, insecure, environment, ...(tls === undefined ? {} : { tls }) })
}
