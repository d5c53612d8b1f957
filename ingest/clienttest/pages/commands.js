// Runs the commands that the page's server has, one after the other.
export async function run(analytics) {
  const commands = {
    calls() {
      analytics.setAnonymousId('visitor-1')
      analytics.identify('ann', { email: 'ann@x.io', plan: 'pro', seats: 3 })
      analytics.group('acme', { name: 'Acme', employees: 20 })
      analytics.track('Order Completed', { total: 20.58, items: [{ sku: 'a', quantity: 2 }], note: 'ünï ☃' })
      analytics.page('Shop', 'Home', { section: 'new' })
      analytics.alias('ann', 'visitor-2')
    },
    'retry 429': () => analytics.track('After 429'),
    'retry 503': () => analytics.track('After 503'),
    leave() {
      analytics.track('Left') // it waits in the library when the page goes
      location.href = '/left.html'
    },
  }
  for (;;) {
    const response = await fetch('/next')
    const command = await response.text()
    if (!(command in commands)) return
    await commands[command]()
    if (command === 'leave') return
  }
}

export const { key, host, mode } = Object.fromEntries(new URLSearchParams(location.search))

addEventListener('error', (e) => fetch('/failed', { method: 'POST', body: e.message }))
addEventListener('unhandledrejection', (e) => fetch('/failed', { method: 'POST', body: String(e.reason) }))
