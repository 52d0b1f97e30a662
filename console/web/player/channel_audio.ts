/**
 * One media element (so that the browser streams by HTTP Range), its channels taken apart: each party has a gain of their
 * own and all are heard in both ears. The graph is made at the first play, as browsers want a gesture before it.
 */
export class ChannelAudio {
  private context: AudioContext | null = null
  private gains: GainNode[] = []
  private readonly audible: boolean[]

  constructor(
    private readonly element: HTMLMediaElement,
    channels: number,
  ) {
    this.audible = Array.from({ length: channels }, () => true)
  }

  /** To be called from a click or a key. */
  async start(): Promise<void> {
    if (!this.context) this.build()
    await this.context?.resume()
  }

  setAudible(channel: number, audible: boolean): void {
    this.audible[channel] = audible
    const gain = this.gains[channel]
    if (gain && this.context) gain.gain.setTargetAtTime(audible ? 1 : 0, this.context.currentTime, 0.01)
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
    const splitter = context.createChannelSplitter(this.audible.length)
    source.connect(splitter)
    this.gains = this.audible.map((audible, channel) => {
      const gain = context.createGain()
      gain.gain.value = audible ? 1 : 0
      // A gain fed by one channel of the splitter is mono, and mono plays in both ears.
      splitter.connect(gain, channel)
      gain.connect(context.destination)
      return gain
    })
    this.context = context
  }
}
