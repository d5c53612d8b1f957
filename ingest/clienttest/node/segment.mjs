import { Analytics } from '@segment/analytics-node'
import { run } from './commands.mjs'

const analytics = new Analytics({
  writeKey: process.env.WRITE_KEY,
  host: process.env.HOST,
  flushInterval: 50,
  maxRetries: 10,
})
const userId = 'ann'

await run({
  calls() {
    analytics.identify({ userId, anonymousId: 'visitor-1', traits: { email: 'ann@x.io', plan: 'pro', seats: 3 } })
    analytics.group({ userId, groupId: 'acme', traits: { name: 'Acme', employees: 20 } })
    analytics.track({
      userId,
      event: 'Order Completed',
      properties: { total: 20.58, items: [{ sku: 'a', quantity: 2 }], note: 'ünï ☃' },
      timestamp: new Date('2026-02-01T00:00:00.250Z'),
    })
    analytics.page({ userId, category: 'Shop', name: 'Home', properties: { path: '/' } })
    analytics.screen({ userId, name: 'Cart', properties: { items: 2 } })
    analytics.alias({ userId, previousId: 'visitor-2' })
  },
  'retry 429': () => analytics.track({ userId, event: 'After 429' }),
  'retry 503': () => analytics.track({ userId, event: 'After 503' }),
})
await analytics.closeAndFlush()
