/** Callers of today whom nobody has answered or called back yet. */
import { ref, shallowRef } from 'vue'
import { defineStore } from 'pinia'
import { missedCalls, type MissedCall } from '@/api/calls'
import { failure } from '@/words/failure'

const EVERY_MS = 60_000

export const useMissed = defineStore('missed', () => {
  const rows = shallowRef<readonly MissedCall[]>([])
  const problem = ref('')
  let soon: ReturnType<typeof setTimeout> | undefined
  let regular: ReturnType<typeof setInterval> | undefined

  async function read(): Promise<void> {
    try {
      rows.value = await missedCalls()
      problem.value = ''
    } catch (error) {
      problem.value = failure(error)
    }
  }

  /** A little later: the log is written just after the event is told. */
  function readSoon(): void {
    clearTimeout(soon)
    soon = setTimeout(() => void read(), 500)
  }

  function start(): void {
    stop()
    void read()
    regular = setInterval(() => void read(), EVERY_MS)
  }

  function stop(): void {
    clearTimeout(soon)
    clearInterval(regular)
  }

  return { rows, problem, read, readSoon, start, stop }
})
