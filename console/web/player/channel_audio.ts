/**
 * One media element (so that the browser streams by HTTP Range), its two channels taken apart: each has a gain of its
 * own and both are heard in both ears. The graph is made at the first play, as browsers want a gesture before it.
 */
export class ChannelAudio {
  private context: AudioContext | null = null
  private gains: GainNode[] = []
  private readonly muted: boolean[] = [false, false]

  constructor(private readonly element: HTMLMediaElement) {}

  /** To be called from a click or a key. */
  async start(): Promise<void> {
    if (!this.context) this.build()
    await this.context?.resume()
  }

  setMuted(channel: 0 | 1, muted: boolean): void {
    this.muted[channel] = muted
    const gain = this.gains[channel]
    if (gain && this.context) gain.gain.setTargetAtTime(muted ? 0 : 1, this.context.currentTime, 0.01)
  }

  async close(): Promise<void> {
    const { context } = this
    this.context = null
    this.gains = []
    await context?.close()
  }

  private build(): void {
    const context = new AudioContext()
    const source = context.createMediaElementSource(this.element)
    const splitter = context.createChannelSplitter(2)
    source.connect(splitter)
    this.gains = [0, 1].map((channel) => {
      const gain = context.createGain()
      gain.gain.value = this.muted[channel] ? 0 : 1
      // A gain fed by one channel of the splitter is mono, and mono plays in both ears.
      splitter.connect(gain, channel)
      gain.connect(context.destination)
      return gain
    })
    this.context = context
  }
}
