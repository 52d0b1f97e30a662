/**
 * Test bench: tells when the bursts in a microphone's sound were recorded, by the time that the browser itself gives
 * each buffer of the device. It gets the readable end of a MediaStreamTrackProcessor.
 *
 * The fake device hands a whole buffer over at once and gives the moment of that as its time; of a real one the last
 * sample would be as old as that and the first a buffer older. So the burst is counted.
 */
import { type Burst, Onsets } from './bench_burst'

/** Buffers whose times still count from the page's origin instead of this worker's. */
const UNSURE = 20

onmessage = async ({ data }: MessageEvent<ReadableStream<AudioData>>): Promise<void> => {
  const onsets = new Onsets()
  const reader = data.getReader()
  for (let n = 0; ; n++) {
    const { value: buffer } = await reader.read()
    if (buffer === undefined) return
    const { numberOfFrames, sampleRate, timestamp } = buffer
    const samples = new Float32Array(numberOfFrames)
    buffer.copyTo(samples, { planeIndex: 0, format: 'f32-planar' })
    buffer.close()
    const handedOver = performance.timeOrigin + timestamp / 1000
    for (const i of onsets.find(samples, sampleRate)) {
      const burst: Burst = { at: handedOver - ((numberOfFrames - i) / sampleRate) * 1000 }
      if (n >= UNSURE) postMessage(burst)
    }
  }
}
