/** Flags about who may call, and how that is encrypted. */
import { boolean, choice, file, integer, list, noEffect, onceExperimental, openList, refused, text } from '../flag.js'

const ONE_CERTIFICATE = refused(
  'a member shows one certificate whether it calls or is called: give that one, for server and client authentication',
)

export const SECURITY_FLAGS = {
  'cert-file': file('Certificate that clients are shown.'),
  'key-file': file('Its key.'),
  'client-cert-auth': boolean(false, 'Whether clients must show a certificate of --trusted-ca-file.'),
  'client-cert-file': file(
    'Certificate of the gateway towards gRPC.',
    noEffect('the gateway reaches the services without a connection'),
  ),
  'client-key-file': file('Its key.', noEffect('the gateway reaches the services without a connection')),
  'client-crl-file': file('Certificates of clients that were revoked.'),
  'client-cert-allowed-cn': list('', 'Common names of which certificates of clients must have one.'),
  'client-cert-allowed-hostname': list('', 'Host name that certificates of clients must be for: one.'),
  'trusted-ca-file': file('Authorities whose certificates clients may show.'),
  'auto-tls': boolean(
    false,
    'Whether clients are shown a certificate that was made on the spot.',
    refused('no certificates are made: a client could not tell them from those of anybody else. Give --cert-file'),
  ),
  'peer-cert-file': file('Certificate of this member towards the others.'),
  'peer-key-file': file('Its key.'),
  'peer-client-cert-auth': boolean(
    false,
    'Whether other members must show a certificate of --peer-trusted-ca-file. They always must, where TLS is on.',
  ),
  'peer-client-cert-file': file('Certificate of this member where it calls.', ONE_CERTIFICATE),
  'peer-client-key-file': file('Its key.', ONE_CERTIFICATE),
  'peer-trusted-ca-file': file("Authorities whose certificates make members: the cluster's own."),
  'peer-cert-allowed-cn': list('', 'Names of which certificates of members must have one.'),
  'peer-cert-allowed-hostname': list('', 'The same, for host names.'),
  'peer-auto-tls': boolean(
    false,
    'Whether members show certificates that were made on the spot.',
    refused(
      'members know each other by the authority of the cluster: give --peer-cert-file and --peer-trusted-ca-file',
    ),
  ),
  'self-signed-cert-validity': integer(1, 'Years for which such certificates count.', noEffect('none are made')),
  'peer-crl-file': file(
    'Certificates of members that were revoked.',
    refused('revocation is not looked at between members: exchange the authority, or use --peer-cert-allowed-cn'),
  ),
  'peer-skip-client-san-verification': onceExperimental(
    boolean(
      false,
      'Whether a member may show a certificate that is for another host.',
      noEffect('the certificate of a member must be for the host that it advertises'),
    ),
  ),
  'cipher-suites': list(
    '',
    'Cipher suites up to TLS 1.2 that clients may use, by the names of Go; empty: those of Node.',
  ),
  cors: openList('Origins from which browsers may call; `*`: any.'),
  'host-whitelist': openList('Host names under which HTTP without TLS may be asked; `*`: any.'),
  'tls-min-version': choice(['TLS1.2', 'TLS1.3', ''], 'TLS1.2', 'The least version of TLS for clients.'),
  'tls-max-version': choice(['', 'TLS1.2', 'TLS1.3'], '', 'The highest version of TLS for clients; empty: any.'),
  'auth-token': text(
    'simple',
    'Tokens of logins: `simple`, or `jwt,priv-key=FILE,sign-method=RS256,pub-key=FILE,ttl=10m`.',
  ),
  'auth-token-ttl': integer(300, 'Seconds for which a simple token counts.', undefined, 1),
  'bcrypt-cost': integer(10, 'How costly password hashes are.', noEffect('passwords are hashed with scrypt')),
} as const
