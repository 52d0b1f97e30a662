/** A supervisor in other people's calls: listening, whispering, barging in, taking over; and the calls that ring late. */
import { computed, ref } from 'vue'
import { defineStore } from 'pinia'
import * as phone from '@/api/phone'
import type { LiveCall } from '@/events/livecall'
import { useCalls } from './calls'
import { useDesk } from './desk'
import { useFloor } from './floor'
import { useHeadset } from './headset'

const KEPT = 'sansheng.alarm'
/** How long a first press on "take over" waits for the second. */
export const CERTAIN_MS = 3000
const HEADSET_MS = 10_000

const MODES: Record<string, phone.MonitorMode> = { listener: 'listen', whisperer: 'whisper', barger: 'barge' }

export const useMonitor = defineStore('monitor', () => {
  const desk = useDesk()
  const calls = useCalls()
  const floor = useFloor()
  const headset = useHeadset()

  const sound = ref(localStorage.getItem(KEPT) !== 'off')
  const armed = ref('')
  let disarm: ReturnType<typeof setTimeout> | undefined

  /** The call that I am in as a supervisor, and how. */
  const mode = computed(() => MODES[desk.myself?.role ?? ''] ?? null)
  const call = computed<LiveCall | null>(() => (mode.value ? desk.current : null))
  /** Callers who have heard their last ring within the limit, the one who has waited longest first (D3). */
  const late = computed(() =>
    calls.waiting
      .filter((one) => !one.callback && one.callerRings >= floor.ringLimit)
      .sort((a, b) => a.startedAt - b.startedAt),
  )

  async function withHeadset(): Promise<void> {
    if (headset.connected) return
    await headset.connect()
    const until = Date.now() + HEADSET_MS
    while (!headset.connected && Date.now() < until) await new Promise((next) => setTimeout(next, 50))
  }

  async function enter(id: string, how: phone.MonitorMode): Promise<void> {
    await withHeadset()
    if (call.value && call.value.id !== id) await phone.leave(call.value.id)
    await phone.monitor(id, how)
  }

  /** Takes the call at the second press; gives whether it was done. */
  async function takeOver(id: string): Promise<boolean> {
    clearTimeout(disarm)
    if (armed.value !== id) {
      armed.value = id
      disarm = setTimeout(() => (armed.value = ''), CERTAIN_MS)
      return false
    }
    armed.value = ''
    await withHeadset()
    if (call.value && call.value.id !== id) await phone.leave(call.value.id)
    await phone.takeOver(id)
    return true
  }

  async function leave(): Promise<void> {
    if (call.value) await phone.leave(call.value.id)
  }

  async function prioritise(id?: string): Promise<void> {
    const first = id ?? late.value[0]?.id ?? calls.waiting[0]?.id
    if (first) await phone.prioritise(first)
  }

  function setSound(on: boolean): void {
    sound.value = on
    localStorage.setItem(KEPT, on ? 'on' : 'off')
  }

  return { sound, armed, mode, call, late, enter, takeOver, leave, prioritise, setSound }
})
