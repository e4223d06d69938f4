/** The error for a disk that did not do what it was asked: what failed, where, and what to look at. */
import { StoreError, isStoreError } from '../base/errors.js'

/** What to do about it, where the system's code tells. */
const ADVICE: Readonly<Record<string, string>> = {
  EACCES: 'Give the user that runs this process read and write permission on everything in the directory.',
  EPERM: 'Give the user that runs this process read and write permission on everything in the directory.',
  EROFS: 'The file system is mounted read-only: mount it writable.',
  ENOTDIR: 'Something on the way is a file: the data directory and everything above it must be directories.',
  EEXIST: 'Something on the way is a file: the data directory and everything above it must be directories.',
  EISDIR: 'There is a directory where a file belongs.',
  ENOENT: 'Check that the directory is there, and that it is mounted.',
  EMFILE: 'This process has too many files open: raise its limit (ulimit -n).',
  ENFILE: 'The system has too many files open: raise its limit.',
  ENOSPC:
    'The disk is full: make room (remove nothing from the data directory), then start again; what was acknowledged is there.',
  EDQUOT:
    'The quota of the disk is used up: make room (remove nothing from the data directory), then start again; what was acknowledged is there.',
  EIO: 'The disk is failing: look at the log of the system.',
}

/** The same for what is only to be read. */
const READING_ADVICE: Readonly<Record<string, string>> = {
  EACCES: 'Give the user that runs this process permission to read everything there.',
  EPERM: 'Give the user that runs this process permission to read everything there.',
}

/** LevelDB gives the system's text only. */
const CODES_BY_TEXT: readonly (readonly [RegExp, string])[] = [
  [/permission denied/i, 'EACCES'],
  [/read-only file system/i, 'EROFS'],
  [/too many open files/i, 'EMFILE'],
  [/no space left/i, 'ENOSPC'],
  [/not a directory/i, 'ENOTDIR'],
  [/input\/output error/i, 'EIO'],
]

/** `what` says what failed, as a whole clause without its end: "/data cannot be opened". */
export function diskFailure(
  what: string,
  cause: unknown,
  outcome?: 'unknown',
  access: 'read' | 'write' = 'write',
): StoreError {
  const inner = innermost(cause)
  const message = inner instanceof Error ? inner.message : String(inner)
  const code = (inner as NodeJS.ErrnoException | undefined)?.code ?? ''
  const known = ADVICE[code] === undefined ? CODES_BY_TEXT.find(([text]) => text.test(message))?.[1] : code
  const advised = known && ((access === 'read' ? READING_ADVICE[known] : undefined) ?? ADVICE[known])
  const advice = advised === undefined ? '' : `. ${advised}`
  return new StoreError('DISK_FAILED', `${what}: ${message}${advice}`, {
    cause,
    ...(outcome === undefined ? {} : { outcome }),
  })
}

/** `what`: "writing the log". */
export function hungFailure(what: string, location: string, timeoutMs: number): StoreError {
  return new StoreError(
    'DISK_FAILED',
    `${what} in ${location} did not end within ${timeoutMs / 1000} s: the disk does not answer. Look at the log of the ` +
      'system (dmesg), and whether the volume is still attached, overloaded or out of its quota of operations. Whether it ' +
      'was written is seen at the next start; diskTimeoutMs sets the time.',
    { outcome: 'unknown' },
  )
}

/** Whether a write or a sync was given up, or failed so that nothing is written any more; other failures concern one attempt. */
export function isUnanswered(error: unknown): boolean {
  return isStoreError(error, 'DISK_FAILED') && error.outcome === 'unknown'
}

export function unclosedFailure(location: string, timeoutMs: number): StoreError {
  return new StoreError(
    'DISK_FAILED',
    `${location} could not be closed within ${timeoutMs / 1000} s: the disk does not answer. Everybody was told that the ` +
      'store is closed, and nothing acknowledged depends on this; but the directory stays locked until this process ends. ' +
      'Look at the log of the system (dmesg), and end the process.',
  )
}

/**
 * What to throw for whatever came out of an access to the disk: errors of the system and of LevelDB become `DISK_FAILED`;
 * those that are ours already, and bugs, pass.
 */
export function asStoreError(what: string, error: unknown, access: 'read' | 'write' = 'write'): unknown {
  if (isStoreError(error)) return error
  const { code } = innermost(error) as { code?: unknown }
  const foreign = typeof code === 'string' && /^(E[A-Z0-9]+|LEVEL_\w+|ERR_DLOPEN_FAILED|ERR_FS_\w+)$/.test(code)
  return foreign ? diskFailure(what, error, undefined, access) : error
}

/** abstract-level wraps what a database threw. */
function innermost(error: unknown): unknown {
  let inner = error
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause
  return inner
}
