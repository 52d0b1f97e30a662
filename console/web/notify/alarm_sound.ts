/** Two short notes for a supervisor, unlike any ring: somebody has waited too long. */
const NOTES = [880, 660]
const NOTE_SECONDS = 0.16
const LOUD = 0.18

let context: AudioContext | null = null

export async function playAlarm(): Promise<void> {
  context ??= new AudioContext()
  if (context.state === 'suspended') await context.resume()
  const start = context.currentTime
  NOTES.forEach((hertz, index) => {
    if (!context) return
    const from = start + index * NOTE_SECONDS
    const tone = new OscillatorNode(context, { frequency: hertz, type: 'triangle' })
    const level = new GainNode(context, { gain: 0 })
    level.gain.setValueAtTime(0, from)
    level.gain.linearRampToValueAtTime(LOUD, from + 0.01)
    level.gain.linearRampToValueAtTime(0, from + NOTE_SECONDS)
    tone.connect(level).connect(context.destination)
    tone.start(from)
    tone.stop(from + NOTE_SECONDS)
  })
}
