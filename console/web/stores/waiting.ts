/** How many wait where, as the server counts it for everybody who takes calls. */
import { computed, ref, shallowRef } from 'vue'
import { defineStore } from 'pinia'

export interface QueueCount {
  queue: string
  waiting: number
  callbacks: number
  /** Unix seconds from which the one who has waited longest has waited; null: nobody. */
  since: number | null
}

export const useWaiting = defineStore('waiting', () => {
  const queues = shallowRef<readonly QueueCount[]>([])

  /** Grows whenever somebody who waited gives up; null until the server says. */
  const givenUp = ref<number | null>(null)

  const waiting = computed(() => queues.value.reduce((sum, one) => sum + one.waiting, 0))
  const callbacks = computed(() => queues.value.reduce((sum, one) => sum + one.callbacks, 0))
  const since = computed(() => {
    const all = queues.value.map((one) => one.since).filter((one) => one !== null)
    return all.length ? Math.min(...all) : null
  })

  function told(counts: unknown, gone?: unknown): void {
    queues.value = Array.isArray(counts) ? (counts as QueueCount[]) : []
    if (typeof gone === 'number') givenUp.value = gone
  }

  return { queues, givenUp, waiting, callbacks, since, told }
})
