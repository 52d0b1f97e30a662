/** Records the microphone as the browser writes it; the server makes a prompt out of it. */
import { onScopeDispose, ref, shallowRef } from 'vue'

/** A prompt lasts three minutes at most. */
const MOST_MS = 180_000
const TICK_MS = 60

export function useRecorder() {
  const recording = ref(false)
  const seconds = ref(0)
  /** Loudness now, 0 to 1. */
  const level = ref(0)
  const made = shallowRef<Blob | null>(null)
  let stop: () => void = () => undefined

  /** @throws DOMException where there is no microphone, or none is allowed */
  async function start(): Promise<void> {
    clear()
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: false, noiseSuppression: true, autoGainControl: true },
    })
    const context = new AudioContext()
    const meter = context.createAnalyser()
    meter.fftSize = 1024
    context.createMediaStreamSource(stream).connect(meter)
    const samples = new Float32Array(meter.fftSize)
    const recorder = new MediaRecorder(stream)
    const parts: Blob[] = []
    const began = performance.now()
    const tick = setInterval(() => {
      meter.getFloatTimeDomainData(samples)
      const peak = samples.reduce((most, one) => Math.max(most, Math.abs(one)), 0)
      level.value = Math.min(1, Math.sqrt(peak))
      const passed = performance.now() - began
      seconds.value = passed / 1000
      if (passed > MOST_MS) stop()
    }, TICK_MS)
    recorder.ondataavailable = (event) => parts.push(event.data)
    recorder.onstop = () => {
      made.value = new Blob(parts, { type: recorder.mimeType })
    }
    stop = () => {
      stop = () => undefined
      clearInterval(tick)
      recording.value = false
      level.value = 0
      if (recorder.state !== 'inactive') recorder.stop()
      stream.getTracks().forEach((track) => track.stop())
      void context.close()
    }
    recorder.start(250)
    recording.value = true
  }

  function clear(): void {
    stop()
    made.value = null
    seconds.value = 0
  }

  onScopeDispose(() => stop())
  return { recording, seconds, level, made, start, stop: () => stop(), clear }
}
