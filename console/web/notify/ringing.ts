/** Says that it rings to who does not look: a desktop notification with the masked number only, and the tab's title. */
import { i18n } from '@/i18n'

const FLASH_MS = 900
let flashing: ReturnType<typeof setInterval> | undefined
let shown: Notification | null = null
let plainTitle = ''

export function canAsk(): boolean {
  return 'Notification' in window && Notification.permission === 'default'
}

export async function askPermission(): Promise<NotificationPermission> {
  return Notification.requestPermission()
}

function notification(call: string, masked: string): void {
  if (!('Notification' in window) || Notification.permission !== 'granted') return
  if (document.visibilityState === 'visible' && document.hasFocus()) return
  const { t } = i18n.global
  shown = new Notification(t('notify.title'), {
    body: t('notify.body', { number: masked }),
    tag: `call-${call}`,
    requireInteraction: true,
    silent: true,
  })
  shown.onclick = () => {
    window.focus()
    shown?.close()
  }
}

export function startAlert(call: string, masked: string): void {
  stopAlert()
  plainTitle = document.title
  let on = false
  flashing = setInterval(() => {
    on = !on
    document.title = on ? `${i18n.global.t('notify.tab')} ${masked}` : plainTitle
  }, FLASH_MS)
  notification(call, masked)
}

export function stopAlert(): void {
  if (flashing !== undefined) {
    clearInterval(flashing)
    flashing = undefined
    document.title = plainTitle
  }
  shown?.close()
  shown = null
}
