/**
 * Points at which a simulation may send the product the rare way: a batch of one, a cache that misses, a write now.
 *
 * Always: every way that a point can choose is right by itself. A run with all points on gives other timings, never other
 * promises. Outside a simulation nobody is asked and the usual way is taken.
 */

/** What each point does when it fires, in words for coverage tables. Later parts add theirs. */
export const BUGGIFY_POINTS = {
  // The loop.
  'turn-late': 'the next turn of the loop comes a millisecond later',
  'turn-per-frame': 'a frame gets a turn of its own, nothing is gathered',
  'send-refused': 'the transport says that its queue is full',
  'messages-backwards': 'the messages of one turn leave last first',
  'write-told-late': 'a write of the log is durable a while before the core hears of it',
  'apply-put-off': 'committed entries are applied in a later turn',
  'retry-early': 'whatever waits for an answer is asked again at once',
  'propose-one': 'proposals leave one at a time',
  'propose-twice': 'proposals are handed to the leader a second time',
  'forwarded-dropped': 'proposals of another member are lost on arrival',
  'reply-dropped': 'the answer to a question of another member is lost',
  'read-alone': 'one reader goes with a read index, the others wait for the next',
  // Limits of the core, drawn at each start.
  'append-of-one': 'append messages carry one entry',
  'inflight-of-one': 'one append message is on its way to a follower at a time',
  'uncommitted-of-one': 'the leader refuses proposals while another one is not committed',
  'apply-of-one': 'one entry is applied in a turn',
  'backlog-of-one': 'nothing is taken on while anything that is committed is not applied',
  // The disk.
  'log-record-of-one': 'each entry gets a record of its own',
  'high-water-sync': 'the high-water file is synced with the write of the log',
  'state-write-now': 'the state is written, whatever is buffered',
  'trim-put-off': 'the log is not trimmed this time',
  'state-cache-dropped': 'what was just written is read back from the disk',
  'state-chunk-of-one': 'the state is read record by record',
  'scrub-often': 'everything on disk is read through every ten seconds, as fast as it goes, for a whole life',
  // Answers and watches.
  'sweep-one-key': 'a turn sweeps one key of a compaction',
  'value-cache-missed': 'what the cache of values has is read from the state all the same',
  'read-one-record': 'an answer reads one record at a time',
  'slice-of-one': 'everybody else gets a turn after each record of an answer',
  'watch-queue-full': 'a watch that has something waiting falls behind, and catches up from history',
  'watch-history-of-one': 'a watch catches up record by record',
  // Snapshots for other members.
  'transfer-small-pieces': 'a snapshot goes to another member in pieces of a few bytes',
  'transfer-pulled-twice': 'pieces of a snapshot are asked for a second time at once',
  // Leases.
  'lease-answer-late': 'a question about a lease is answered a while after leadership was confirmed',
  'lease-revoke-one': 'a turn ends one lease',
  // The end.
  'close-at-once': 'a close waits for no call, and leadership is handed over after the loop has stopped',
} as const satisfies Readonly<Record<string, string>>

export type BuggifyPoint = keyof typeof BUGGIFY_POINTS

/** Whether to go the rare way this time. It must say no again and again: some points put off what has to happen. */
export type Buggify = (point: BuggifyPoint) => boolean

/** The usual way, always: what runs in production. */
export const NEVER: Buggify = () => false
