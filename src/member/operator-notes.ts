/** Decisions of the core that an operator is told in plain words. */
import type { RaftEvent } from '../raft/trace.js'
import { nameOf, type MemberOptions } from './member-options.js'

export function noteForOperators(options: MemberOptions, event: RaftEvent): void {
  const { logger } = options.environment
  if (event.type === 'progress-snapshot') {
    logger.warn('a member was away for longer than the log goes back: it is sent a snapshot', {
      member: nameOf(options, event.follower),
      logBeginsAfter: event.compactedIndex,
    })
  } else if (event.type === 'recovery-started') {
    logger.warn('a member lost promises: it is not counted until it has caught up', {
      member: nameOf(options, event.follower),
      upTo: event.barrierIndex,
    })
  } else if (event.type === 'promises-restored') {
    logger.info('this member has caught up and is counted again', { index: event.index })
  }
}
