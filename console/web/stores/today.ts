/** My calls of today and what they come to. */
import { computed, ref, shallowRef } from 'vue'
import { defineStore } from 'pinia'
import { calls as fetchCalls, type CallRow } from '@/api/calls'
import { failure } from '@/words/failure'
import { midnight, unix } from '@/words/time'
import { useSession } from './session'

export interface DayFigures {
  answered: number
  dialled: number
  /** Share of my answered inbound calls that were within three rings, 0 to 1; null without any. */
  rate: number | null
  /** Mean rings that callers heard before my answers. */
  rings: number | null
  talkSeconds: number
}

export function figuresOf(rows: readonly CallRow[], agent: string): DayFigures {
  const mine = rows.filter((row) => row.agent === agent)
  const answered = mine.filter((row) => row.direction === 'inbound' && row.answered_at !== null)
  const judged = answered.filter((row) => row.within_three_rings !== null)
  const talk = mine.map((row) => {
    if (typeof row.talk_seconds === 'number' && row.talk_seconds > 0) return row.talk_seconds
    const from = unix(row.answered_at)
    const to = unix(row.ended_at)
    return from !== null && to !== null ? to - from : 0
  })
  return {
    answered: answered.length,
    dialled: mine.filter((row) => row.direction === 'outbound').length,
    rate: judged.length ? judged.filter((row) => row.within_three_rings).length / judged.length : null,
    rings: answered.length
      ? answered.reduce((sum, row) => sum + row.caller_rings, 0) / answered.length
      : null,
    talkSeconds: talk.reduce((sum, seconds) => sum + seconds, 0),
  }
}

export const useToday = defineStore('today', () => {
  const session = useSession()
  const rows = shallowRef<CallRow[]>([])
  const loaded = ref(false)
  const problem = ref('')
  let timer: ReturnType<typeof setTimeout> | undefined

  const figures = computed(() => figuresOf(rows.value, session.user?.username ?? ''))

  async function read(): Promise<void> {
    const agent = session.user?.username
    if (!agent) return
    try {
      rows.value = await fetchCalls({ agent, since: midnight(), limit: 200 })
      loaded.value = true
      problem.value = ''
    } catch (error) {
      problem.value = failure(error)
    }
  }

  /** A little later: the log is written just after the event is told. */
  function readSoon(): void {
    clearTimeout(timer)
    timer = setTimeout(() => void read(), 400)
  }

  return { rows, loaded, problem, figures, read, readSoon }
})
