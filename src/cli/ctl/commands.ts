/**
 * The commands that ask a cluster, in the words of etcdctl. What is behind them is heavy, and loaded where somebody runs one.
 */
import type { ForeignCommand } from '../command.js'
import type { CtlCommand } from './ctl-command.js'

const SECTION = 'ask a cluster, ours or of etcd, with the words and flags of etcdctl:'

type Load = () => Promise<CtlCommand>

function entry(name: string, operands: string, summary: string, load: Load): ForeignCommand {
  return {
    name,
    operands: operands === '' ? [] : [operands],
    summary,
    section: SECTION,
    flagsAnywhere: true,
    async runWords(words, terminal, about) {
      const [{ runCtl }, command] = await Promise.all([import('./run-ctl.js'), load()])
      return runCtl({ entry: { name, operands, summary }, command, words, terminal, about })
    },
  }
}

const keys = () => import('./keys.js')
const leases = () => import('./leases.js')
const members = () => import('./members.js')
const endpoint = () => import('./endpoint.js')
const maintenance = () => import('./maintenance.js')
const users = () => import('./users.js')
const roles = () => import('./roles.js')
const auth = () => import('./auth.js')

/** The half of `snapshot save` that asks a member; the other one reads its directory. */
export const SNAPSHOT_SAVE_REMOTE = entry(
  'snapshot save',
  'FILE',
  'saves a snapshot of a member that runs, over the network',
  async () => (await import('./save-snapshot.js')).SAVE_SNAPSHOT,
)

export const CTL_COMMANDS: readonly ForeignCommand[] = [
  entry(
    'put',
    'KEY [VALUE]',
    'writes a key; without VALUE, what comes through standard input',
    async () => (await keys()).PUT,
  ),
  entry('get', 'KEY [RANGE_END]', 'reads a key, or a range of keys', async () => (await keys()).GET),
  entry(
    'del',
    'KEY [RANGE_END]',
    'deletes a key, or a range of keys, and tells how many',
    async () => (await keys()).DEL,
  ),
  entry('txn', '', 'compares, and does one thing or another, all at once', async () => (await import('./txn.js')).TXN),
  entry('compaction', 'REVISION', 'forgets history before a revision', async () => (await keys()).COMPACTION),
  entry(
    'watch',
    '[KEY [RANGE_END]] [-- PROGRAM]',
    'prints what happens to keys',
    async () => (await import('./watch.js')).WATCH,
  ),
  entry('lease grant', 'TTL', 'makes a lease of so many seconds', async () => (await leases()).LEASE_GRANT),
  entry(
    'lease revoke',
    'ID',
    'ends a lease, and deletes the keys that hang on it',
    async () => (await leases()).LEASE_REVOKE,
  ),
  entry('lease timetolive', 'ID', 'tells how long a lease has left', async () => (await leases()).LEASE_TIMETOLIVE),
  entry('lease list', '', 'tells the ids of all leases', async () => (await leases()).LEASE_LIST),
  entry('lease keep-alive', 'ID', 'renews a lease until a signal comes', async () => (await leases()).LEASE_KEEP_ALIVE),
  entry(
    'lock',
    'NAME [PROGRAM]',
    'holds a lock, or runs a program while it does',
    async () => (await import('./lock.js')).LOCK,
  ),
  entry(
    'elect',
    'NAME [PROPOSAL]',
    'stands for an office, or tells who holds it',
    async () => (await import('./elect.js')).ELECT,
  ),
  entry(
    'make-mirror',
    'DESTINATION',
    'copies keys to another cluster, as they change',
    async () => (await import('./mirror.js')).MAKE_MIRROR,
  ),
  entry('member list', '', 'tells the members of the cluster', async () => (await members()).MEMBER_LIST),
  entry('member add', 'NAME', 'adds a member, before it is started', async () => (await members()).MEMBER_ADD),
  entry('member remove', 'ID', 'removes a member', async () => (await members()).MEMBER_REMOVE),
  entry(
    'member update',
    'ID',
    'says where a member listens to the others',
    async () => (await members()).MEMBER_UPDATE,
  ),
  entry('member promote', 'ID', 'gives a learner a vote', async () => (await members()).MEMBER_PROMOTE),
  entry(
    'endpoint health',
    '',
    'tells of each server whether it is well',
    async () => (await endpoint()).ENDPOINT_HEALTH,
  ),
  entry('endpoint status', '', 'tells of each server how far it is', async () => (await endpoint()).ENDPOINT_STATUS),
  entry(
    'endpoint hashkv',
    '',
    'tells of each server the hash of what it has',
    async () => (await endpoint()).ENDPOINT_HASHKV,
  ),
  entry('move-leader', 'ID', 'has another member lead', async () => (await maintenance()).MOVE_LEADER),
  entry('defrag', '', 'has members give space back', async () => (await maintenance()).DEFRAG),
  entry('alarm list', '', 'tells the alarms', async () => (await maintenance()).ALARM_LIST),
  entry('alarm disarm', '', 'ends all alarms', async () => (await maintenance()).ALARM_DISARM),
  entry('user add', 'NAME[:PASSWORD]', 'adds a user', async () => (await users()).USER_ADD),
  entry('user delete', 'NAME', 'deletes a user', async () => (await users()).USER_DELETE),
  entry('user get', 'NAME', 'tells the roles of a user', async () => (await users()).USER_GET),
  entry('user list', '', 'tells all users', async () => (await users()).USER_LIST),
  entry('user passwd', 'NAME', 'gives a user another password', async () => (await users()).USER_PASSWD),
  entry('user grant-role', 'NAME ROLE', 'gives a user a role', async () => (await users()).USER_GRANT_ROLE),
  entry('user revoke-role', 'NAME ROLE', 'takes a role from a user', async () => (await users()).USER_REVOKE_ROLE),
  entry('role add', 'NAME', 'adds a role', async () => (await roles()).ROLE_ADD),
  entry('role delete', 'NAME', 'deletes a role', async () => (await roles()).ROLE_DELETE),
  entry('role get', 'NAME', 'tells what a role permits', async () => (await roles()).ROLE_GET),
  entry('role list', '', 'tells all roles', async () => (await roles()).ROLE_LIST),
  entry(
    'role grant-permission',
    'NAME TYPE KEY [RANGE_END]',
    'permits a role to read, write or readwrite',
    async () => (await roles()).ROLE_GRANT_PERMISSION,
  ),
  entry(
    'role revoke-permission',
    'NAME KEY [RANGE_END]',
    'takes a permission from a role',
    async () => (await roles()).ROLE_REVOKE_PERMISSION,
  ),
  entry('auth enable', '', 'has calls authorized from now on', async () => (await auth()).AUTH_ENABLE),
  entry('auth disable', '', 'has calls not authorized any more', async () => (await auth()).AUTH_DISABLE),
  entry('auth status', '', 'tells whether calls are authorized', async () => (await auth()).AUTH_STATUS),
  entry(
    'check perf',
    '',
    'writes for a minute, and says whether that was fast enough',
    async () => (await import('./check-perf.js')).CHECK_PERF,
  ),
  entry(
    'version',
    '',
    'tells the version of the program, and of the API',
    async () => (await import('./version.js')).VERSION,
  ),
]
