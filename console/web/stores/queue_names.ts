/** What people call the queues. */
import { ref } from 'vue'
import { defineStore } from 'pinia'
import { colleagues } from '@/api/directory'
import { currentRouting } from '@/api/routing'
import { locale } from '@/i18n'
import { useSession } from './session'

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

  function nameOf(queue: string): string {
    const found = queues.value.find((one) => one.queue === queue)
    if (!found) return queue
    return (locale.value === 'en' ? found.name_en : found.name_zh) || queue
  }

  return { queues, read, nameOf }
})
