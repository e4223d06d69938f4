/** The socket of systemd for notices: a datagram socket, which Node does not have and Python does. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'

const LISTENER = `
import socket, sys
listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listening.bind(sys.argv[1])
print('listening', flush=True)
while True:
    told = listening.recv(4096).decode().strip().replace('\\n', ' ')
    # By which a sender waits until it was heard.
    if told != 'BARRIER=1':
        print(told, flush=True)
`

export interface Notices {
  /** The next notice, its lines separated by blanks. */
  next(): Promise<string>
}

/** Resolves when it listens. It ends with the test. */
export async function notifySocket(path: string): Promise<Notices> {
  const child = spawn('python3', ['-c', LISTENER, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const next = async (): Promise<string> => ((await lines.next()) as { value: string }).value
  await next()
  return { next }
}
