/** Flags about features that came one by one, and about what is unsafe. */
import { boolean, duration, integer, noEffect, onceExperimental, text } from '../flag.js'

const BY_ITSELF = 'compaction paces itself by how busy the member is'
const AT_OPEN = 'what is on disk is checked against its checksums at each start, and then all the time'

export const FEATURE_FLAGS = {
  'corrupt-check-time': onceExperimental(
    duration('0s', 'Time between two checks whether all members hold the same; 0: every ten minutes.'),
  ),
  'initial-corrupt-check': onceExperimental(boolean(false, 'Whether data is checked at the start.', noEffect(AT_OPEN))),
  'compact-hash-check-enabled': onceExperimental(
    boolean(
      false,
      'Whether compactions are compared.',
      noEffect('states are compared as a whole: --corrupt-check-time'),
    ),
  ),
  'compact-hash-check-time': onceExperimental(
    duration('1m', 'Time between two such checks.', noEffect('states are compared as a whole: --corrupt-check-time')),
  ),
  'compaction-batch-limit': onceExperimental(
    integer(1000, 'Revisions that are removed in one step.', noEffect(BY_ITSELF)),
  ),
  'compaction-sleep-interval': onceExperimental(duration('10ms', 'Time between such steps.', noEffect(BY_ITSELF))),
  'watch-progress-notify-interval': onceExperimental(
    duration('10m', 'Time between two notices to a watch that asked for them.'),
  ),
  'bootstrap-defrag-threshold-megabytes': onceExperimental(
    integer(
      0,
      'Megabytes that can be won at which a start defragments.',
      noEffect('LevelDB gives space back by itself, and `etcdctl defrag` does'),
    ),
  ),
  'max-learners': onceExperimental(
    integer(1, 'Learners in the cluster that are not to become voters by themselves.', undefined, 1),
  ),
  'downgrade-check-time': onceExperimental(
    duration('5s', 'Time between two looks at a downgrade.', noEffect('there are no downgrades')),
  ),
  'snapshot-catchup-entries': onceExperimental(
    integer(
      5000,
      'Entries kept for slow followers.',
      noEffect('what is kept for them is counted in bytes, docs/LIMITS.md'),
    ),
  ),
  'enable-lease-checkpoint': onceExperimental(
    boolean(false, 'Whether what is left of leases survives a change of leader.', noEffect('it always does')),
  ),
  'enable-lease-checkpoint-persist': onceExperimental(
    boolean(false, 'Whether that is kept on disk.', noEffect('it always is')),
  ),
  'stop-grpc-service-on-defrag': onceExperimental(
    boolean(false, 'Whether clients go elsewhere during a defragmentation.', noEffect('a member serves meanwhile')),
  ),
  'txn-mode-write-with-shared-buffer': onceExperimental(
    boolean(true, 'How transactions read.', noEffect('there are no such buffers')),
  ),
  'set-member-localaddr': onceExperimental(
    boolean(
      false,
      'Whether a member calls from the address that it advertises.',
      noEffect('who calls is known by its id'),
    ),
  ),
  'force-new-cluster': boolean(false, 'Makes a new cluster of this member alone, out of its data.'),
  'unsafe-no-fsync': boolean(
    false,
    'Whether writes are acknowledged before they are on disk.',
    noEffect('what is acknowledged is always on disk. For tests, embed a member in memory: open() without dataDir'),
  ),
  'config-file': text('', 'A file in YAML or JSON with all of this; flags and variables then do not count.'),
  version: boolean(false, 'Prints the version.'),
  help: boolean(false, 'Prints this.'),
} as const
