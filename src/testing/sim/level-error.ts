/** Errors as LevelDB tells them through classic-level. */

type LevelErrorCode = 'LEVEL_CORRUPTION' | 'LEVEL_IO_ERROR' | 'LEVEL_BATCH_NOT_OPEN' | 'LEVEL_DATABASE_NOT_OPEN'

export function levelError(code: LevelErrorCode, message: string): Error {
  return Object.assign(new Error(message), { code })
}

/** "IO error: log/000005.log: No space left on device", as the system says it. */
export function ioError(database: string, what: string): Error {
  return levelError('LEVEL_IO_ERROR', `IO error: ${database}/000005.log: ${what}`)
}

export const NO_SPACE = 'No space left on device'
export const FAILING = 'Input/output error'
