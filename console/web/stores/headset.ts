/** The headset facade as the screens need it: one state, a meter, a network verdict, devices kept per workstation. */
import { computed, ref, shallowRef } from 'vue'
import { defineStore } from 'pinia'
import { ApiError } from '@/api/client'
import { headsetPass } from '@/api/phone'
import { consoleId } from '@/events/console_id'
import { Headset, type HeadsetDevices, type HeadsetState, type HeadsetStats } from '@/headset/headset'

const KEPT = 'sansheng.headset'

interface Kept {
  input: string
  output: string
  processing: boolean
}

export type Verdict = 'good' | 'fair' | 'poor'

export interface Window {
  /** Share of packets lost, 0 to 1. */
  loss: number
  targetMs: number
}

/** ITU-T G.113: loss beyond about 1 % is heard, beyond 3 % disturbs; delay of the buffer tells of jitter. */
export function verdictOf(window: Window): Verdict {
  if (window.loss > 0.03 || window.targetMs > 160) return 'poor'
  if (window.loss > 0.01 || window.targetMs > 80) return 'fair'
  return 'good'
}

function kept(): Kept {
  const standard: Kept = { input: '', output: '', processing: true }
  try {
    return { ...standard, ...(JSON.parse(localStorage.getItem(KEPT) ?? '{}') as Partial<Kept>) }
  } catch {
    localStorage.removeItem(KEPT)
    return standard
  }
}

export const useHeadset = defineStore('headset', () => {
  const state = shallowRef<HeadsetState>({ name: 'off' })
  const mic = ref(0)
  const ear = ref(0)
  const stats = shallowRef<HeadsetStats | null>(null)
  const quality = ref<Verdict>('good')
  const loss = ref(0)
  const devices = shallowRef<HeadsetDevices>({ inputs: [], outputs: [], canChooseOutput: false })
  const choice = ref<Kept>(kept())
  const troubles = ref<string[]>([])
  let headset: Headset | null = null
  let before: HeadsetStats | null = null

  const connected = computed(() => state.value.name === 'connected')

  function measured(now: HeadsetStats): void {
    stats.value = now
    const fresh = before !== null && now.received >= before.received
    const received = now.received - (fresh && before ? before.received : 0)
    const lost = now.lost - (fresh && before ? before.lost : 0)
    before = now
    const total = received + lost
    loss.value = total > 0 ? 0.7 * loss.value + 0.3 * (lost / total) : 0
    quality.value = verdictOf({ loss: loss.value, targetMs: now.targetMs })
  }

  function make(): Headset {
    const made = new Headset({
      processing: {
        echoCancellation: choice.value.processing,
        noiseSuppression: choice.value.processing,
        autoGainControl: choice.value.processing,
      },
      renewTicket: async () => {
        try {
          return await headsetPass(consoleId())
        } catch (error) {
          if (error instanceof ApiError && (error.status === 401 || error.status === 403)) return null
          throw error
        }
      },
    })
    made.on('state', (next) => {
      state.value = next
      if (next.name !== 'connected') mic.value = 0
      else void refreshDevices()
    })
    made.on('level', (level) => {
      mic.value = level.mic
      ear.value = level.ear
    })
    made.on('stats', measured)
    made.on('device', () => void refreshDevices())
    made.on('trouble', ({ message }) => (troubles.value = [...troubles.value.slice(-19), message]))
    return made
  }

  async function connect(): Promise<void> {
    headset ??= make()
    const ticket = await headsetPass(consoleId())
    if (choice.value.input) await headset.setInputDevice(choice.value.input)
    await headset.connect(ticket.url, ticket.token)
    if (choice.value.output) await choose('output', choice.value.output)
  }

  function disconnect(): void {
    headset?.stopRing()
    headset?.disconnect()
  }

  async function refreshDevices(): Promise<void> {
    if (headset) devices.value = await headset.listDevices()
  }

  async function choose(end: 'input' | 'output', id: string): Promise<void> {
    choice.value = { ...choice.value, [end]: id }
    localStorage.setItem(KEPT, JSON.stringify(choice.value))
    if (!headset) return
    if (end === 'input') await headset.setInputDevice(id)
    else await headset.setOutputDevice(id)
  }

  async function setProcessing(on: boolean): Promise<void> {
    choice.value = { ...choice.value, processing: on }
    localStorage.setItem(KEPT, JSON.stringify(choice.value))
    await headset?.setProcessing({ echoCancellation: on, noiseSuppression: on, autoGainControl: on })
  }

  function ring(on: boolean): void {
    if (on) {
      headset ??= make()
      headset.startRing()
    } else headset?.stopRing()
  }

  const resume = () => headset?.resume()

  return {
    state,
    mic,
    ear,
    stats,
    quality,
    loss,
    devices,
    choice,
    troubles,
    connected,
    connect,
    disconnect,
    resume,
    refreshDevices,
    choose,
    setProcessing,
    ring,
  }
})
