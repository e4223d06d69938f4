/** snapshot save over the network: what a member has, in a file. */
import { createHash } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import type { Context } from './context.js'
import type { CtlCommand } from './ctl-command.js'
import { badArguments, CTL_EXIT, CtlError } from './ctl-error.js'
import { asEnd } from './operands.js'

export const SAVE_SNAPSHOT: CtlCommand = {
  async run(context) {
    const { operands } = context
    const [path] = operands
    if (path === undefined || operands.length > 1) throw badArguments('snapshot save expects one argument')
    const endpoints = context.list('endpoints')
    if (endpoints.length > 1) {
      const given = `[${endpoints.join(' ')}]`
      throw new CtlError(CTL_EXIT.interrupted, `snapshot must be requested to one selected node, not multiple ${given}`)
    }
    const version = await asEnd(save(context, path), CTL_EXIT.interrupted)
    context.line(`Snapshot saved at ${path}`)
    if (version !== '') context.line(`Server version ${version}`)
  },
}

/** SHA-256 of all before it, at the end. */
const DIGEST_BYTES = 32

/** Resolves with the version of the server, which those before 3.6 do not tell. Either the file is there whole, or it is not. */
async function save(context: Context, path: string): Promise<string> {
  const part = `${path}.part`
  const client = await context.reached()
  const file = await open(part, 'w', 0o600)
  try {
    let version = ''
    let end = Buffer.alloc(0)
    const hash = createHash('sha256')
    for await (const response of client.maintenance.snapshot({}, { signal: context.terminal.signal })) {
      const behind = Buffer.concat([end, response.blob])
      const covered = Math.max(0, behind.length - DIGEST_BYTES)
      hash.update(behind.subarray(0, covered))
      end = behind.subarray(covered)
      if (response.version !== '') version = response.version
      await file.writeFile(response.blob)
    }
    if (!hash.digest().equals(end)) {
      throw new CtlError(
        CTL_EXIT.interrupted,
        'the snapshot does not come to the digest at its end: it is cut off, or was damaged on the way. Nothing was saved',
      )
    }
    await file.sync()
    await file.close()
    await rename(part, path)
    return version
  } catch (error) {
    await file.close().catch(() => undefined)
    await rm(part, { force: true })
    throw error
  }
}
