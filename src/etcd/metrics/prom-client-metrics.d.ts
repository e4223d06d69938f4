/** The default metrics of prom-client one by one: its own function starts observers, too, that nothing ends. */
declare module 'prom-client/lib/metrics/*.js' {
  import type { Registry } from 'prom-client'
  const register: (registry: Registry) => void
  export default register
}
