/**
 * The audio graph: microphone → capture worklet; playback worklet → volume → earphone.
 *
 * The context runs at 16 kHz where the browser allows it (it then resamples from the device, well and cheaply);
 * where it refuses, at the device's own rate, and the worklets resample from and to the 8 kHz of the line.
 */
import captureUrl from './capture.worklet.ts?worker&url'
import { openMicrophone, Output } from './devices'
import type { MicrophoneProcessing } from './headset_events'
import type { WorkletPort } from './messages'
import playbackUrl from './playback.worklet.ts?worker&url'

export interface AudioEngineOptions {
  inputId: string
  outputId: string
  processing: MicrophoneProcessing
  volume: number
  /** Rate to ask the browser for, Hz. */
  rate: number
}

/** The ends of the two media channels, for the worker. */
export interface MediaPorts {
  capture: MessagePort
  playback: MessagePort
}

interface Graph {
  context: AudioContext
  source: MediaStreamAudioSourceNode
}

/**
 * Samples that a browser that can (Chromium) renders at a time. The usual 128 are 8 ms at 16 kHz: sound of the microphone
 * waits for them to be full, and they do not fit into the 10 ms in which devices take and give.
 */
const RENDER_SIZE = 32

function contextOf(options: AudioContextOptions): AudioContext {
  return new AudioContext({
    latencyHint: 'interactive',
    renderSizeHint: RENDER_SIZE,
    ...options,
  } as AudioContextOptions)
}

function graphAt(stream: MediaStream, rate: number): Graph {
  const context = contextOf({ sampleRate: rate })
  try {
    return { context, source: context.createMediaStreamSource(stream) }
  } catch (error) {
    void context.close()
    throw error
  }
}

/** A context may be refused at another rate than the device's (NotSupportedError, by the context or by the source). */
function openGraph(stream: MediaStream, rate: number): Graph {
  try {
    return graphAt(stream, rate)
  } catch (error) {
    if (!(error instanceof DOMException) || error.name !== 'NotSupportedError') throw error
    const context = contextOf({})
    return { context, source: context.createMediaStreamSource(stream) }
  }
}

function linked(node: AudioWorkletNode): MessagePort {
  const channel = new MessageChannel()
  const message: WorkletPort = { port: channel.port1 }
  node.port.postMessage(message, [channel.port1])
  return channel.port2
}

export class AudioEngine {
  private constructor(
    readonly context: AudioContext,
    readonly ports: MediaPorts,
    private readonly capture: AudioWorkletNode,
    private readonly playback: AudioWorkletNode,
    private readonly volume: GainNode,
    private readonly output: Output,
    private source: MediaStreamAudioSourceNode | null,
    private stream: MediaStream,
    private readonly onMicrophoneEnded: () => void,
  ) {
    this.watch()
  }

  /** Opens the microphone and builds the graph. Raises what `openMicrophone` raises, and what `addModule` does. */
  static async open(options: AudioEngineOptions, onMicrophoneEnded: () => void): Promise<AudioEngine> {
    const stream = await openMicrophone(options.inputId, options.processing)
    let context: AudioContext | null = null
    try {
      const graph = openGraph(stream, options.rate)
      context = graph.context
      await Promise.all([
        context.audioWorklet.addModule(captureUrl),
        context.audioWorklet.addModule(playbackUrl),
      ])
      const capture = new AudioWorkletNode(context, 'headset-capture', {
        numberOfOutputs: 1,
        channelCount: 1,
        channelCountMode: 'explicit',
      })
      const playback = new AudioWorkletNode(context, 'headset-playback', {
        numberOfInputs: 0,
        outputChannelCount: [1],
      })
      const volume = new GainNode(context, { gain: options.volume })
      graph.source.connect(capture)
      // Silent, but a node that leads nowhere need not be run by the browser.
      capture.connect(context.destination)
      playback.connect(volume)
      const output = new Output(context, volume)
      const ports = { capture: linked(capture), playback: linked(playback) }
      return new AudioEngine(
        context,
        ports,
        capture,
        playback,
        volume,
        output,
        graph.source,
        stream,
        onMicrophoneEnded,
      )
    } catch (error) {
      for (const track of stream.getTracks()) track.stop()
      await context?.close()
      throw error
    }
  }

  get running(): boolean {
    return this.context.state === 'running'
  }

  get microphoneLabel(): string {
    return this.stream.getAudioTracks()[0]?.label ?? ''
  }

  get microphoneId(): string {
    return this.stream.getAudioTracks()[0]?.getSettings().deviceId ?? ''
  }

  /** The earphone's signal, for meters and measurements. */
  get earphone(): AudioNode {
    return this.volume
  }

  /** Changes the microphone while all else goes on. Raises what `openMicrophone` raises; the old one then stays. */
  async changeMicrophone(id: string, processing: MicrophoneProcessing): Promise<void> {
    const stream = await openMicrophone(id, processing)
    const source = this.context.createMediaStreamSource(stream)
    this.dropMicrophone()
    this.stream = stream
    this.source = source
    source.connect(this.capture)
    this.watch()
  }

  setVolume(volume: number): void {
    this.volume.gain.value = volume
  }

  async chooseOutput(id: string): Promise<void> {
    await this.output.choose(id)
  }

  async close(): Promise<void> {
    this.dropMicrophone()
    this.output.close()
    this.playback.disconnect()
    this.capture.disconnect()
    await this.context.close()
  }

  private watch(): void {
    for (const track of this.stream.getAudioTracks()) track.onended = this.onMicrophoneEnded
  }

  private dropMicrophone(): void {
    for (const track of this.stream.getTracks()) {
      track.onended = null
      track.stop()
    }
    this.source?.disconnect()
    this.source = null
  }
}
