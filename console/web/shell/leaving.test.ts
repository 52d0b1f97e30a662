import { expect, it } from 'vitest'
import { askBeforeLeaving } from './leaving'

it('lets the browser ask before the page is left in a call, and at no other time', () => {
  const page = new EventTarget()
  let inCall = true
  const leave = () => !page.dispatchEvent(new Event('beforeunload', { cancelable: true }))
  const end = askBeforeLeaving(() => inCall, page)
  expect(leave()).toBe(true)
  inCall = false
  expect(leave()).toBe(false)
  inCall = true
  end()
  expect(leave()).toBe(false)
})
