import { describe, expect, test } from 'vitest'
import { connectSettingsOf, type ConnectOptions } from '../../../src/etcd/client/connect-options.js'
import { endpointOf } from '../../../src/etcd/client/endpoint.js'

describe('an endpoint', () => {
  test.each([
    ['127.0.0.1:2379', 'dns:127.0.0.1:2379', false],
    ['localhost', 'dns:localhost:2379', false],
    ['http://10.0.0.1:2379', 'dns:10.0.0.1:2379', false],
    ['https://db.example:12379/', 'dns:db.example:12379', true],
    ['[::1]:2379', 'dns:[::1]:2379', false],
    ['unix:///run/etcd.sock', 'unix:/run/etcd.sock', false],
  ])('may be %s', (given, target, secure) => {
    expect(endpointOf(given, false)).toEqual({ url: given, target, secure })
  })

  test('without a scheme is with TLS where TLS is asked for, and with http:// never', () => {
    expect(endpointOf('a:1', true).secure).toBe(true)
    expect(endpointOf('http://a:1', true).secure).toBe(false)
  })

  test.each(['', 'http://', 'ftp://a:1', 'a:0', 'a:70000', 'a:b', 'a b', 'user@a:1', 'http://a:1/path', 7, undefined])(
    'cannot be %s',
    (given) => {
      expect(() => endpointOf(given, false)).toThrow(TypeError)
    },
  )
})

describe('the options of connect()', () => {
  const endpoints = ['a:1']
  test.each<[string, unknown, string]>([
    ['no endpoints', {}, 'endpoints must be a list'],
    ['an empty list', { endpoints: [] }, 'one address at least'],
    ['a misspelt name', { endpoint: ['a:1'] }, 'did you mean endpoints?'],
    ['a certificate without a key', { endpoints, tls: { cert: 'x' } }, 'together with its key'],
    ['a certificate twice', { endpoints, tls: { cert: 'x', certFile: 'y', key: 'z' } }, 'cert or certFile, not both'],
    ['half a login', { endpoints, auth: { user: 'ann' } }, '{ user, password } or { token }'],
    ['two ways to log in', { endpoints, auth: { user: 'a', password: 'b', token: 'c' } }, '{ user, password } or'],
  ])('cannot have %s', (_what, options, message) => {
    expect(() => connectSettingsOf(options as ConnectOptions)).toThrow(message)
  })

  test('that are refused say nothing of what a password or a key is', () => {
    const secret = 'sesame'
    const wrong: unknown[] = [
      { endpoints, auth: { user: 1, password: secret } },
      { endpoints, tls: { key: secret } },
      { endpoints, auth: { token: secret, user: 'ann' } },
    ]
    for (const options of wrong) {
      expect(() => connectSettingsOf(options as ConnectOptions)).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining(secret) as unknown }) as Error,
      )
    }
  })
})
