/** Decisions of the core that an operator is told in plain words. */
import type { Logger } from '../base/logger.js'
import type { RaftEvent } from '../raft/trace.js'
import type { AddressBook } from './address-book.js'

export function noteForOperators(logger: Logger, book: AddressBook, event: RaftEvent): void {
  if (event.type === 'progress-snapshot') {
    logger.warn('a member was away for longer than the log goes back: it is sent a snapshot', {
      member: book.nameOf(event.follower),
      logBeginsAfter: event.compactedIndex,
    })
  } else if (event.type === 'recovery-started') {
    logger.warn('a member lost promises: it is not counted until it has caught up', {
      member: book.nameOf(event.follower),
      upTo: event.barrierIndex,
    })
  } else if (event.type === 'promises-restored') {
    logger.info('this member has caught up and is counted again', { index: event.index })
  }
}
