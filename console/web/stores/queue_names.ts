/** What people call the queues. */
import { ref } from 'vue'
import { defineStore } from 'pinia'
import { colleagues } from '@/api/directory'
import { currentRouting } from '@/api/routing'
import { locale } from '@/i18n'
import { useSession } from './session'

/** Names are read again after so long, and not while a card is to be painted. */
const FRESH_MS = 300_000
const LATER_MS = 500

export interface NamedQueue {
  queue: string
  name_zh: string
  name_en: string
}

export const useQueueNames = defineStore('queueNames', () => {
  const session = useSession()
  const queues = ref<NamedQueue[]>([])

  /** Raises ApiError. Who only reviews is told neither list, and reads the queues' own names. */
  async function read(): Promise<void> {
    if (session.role === 'reviewer') return
    if (session.role !== 'admin') {
      queues.value = (await colleagues('')).queues
      return
    }
    const { routing } = await currentRouting()
    queues.value = routing.queues.map((one) => ({
      queue: one.name,
      name_zh: one.label.zh || one.name,
      name_en: one.label.en || one.label.zh || one.name,
    }))
  }

  let renewedAt = -Infinity
  let renewedFor = ''

  /** For who shows names beside something more urgent: reads them when they are old, a moment later. */
  function renew(): void {
    const user = session.user?.username ?? ''
    if (user === renewedFor && Date.now() - renewedAt < FRESH_MS) return
    renewedAt = Date.now()
    renewedFor = user
    setTimeout(() => {
      read().catch(() => (renewedAt = -Infinity))
    }, LATER_MS)
  }

  function nameOf(queue: string): string {
    const found = queues.value.find((one) => one.queue === queue)
    if (!found) return queue
    return (locale.value === 'en' ? found.name_en : found.name_zh) || queue
  }

  return { queues, read, renew, nameOf }
})
