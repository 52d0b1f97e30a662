/** Microphones and earphones, as the browser lets us see them. */
import type { HeadsetDevice, HeadsetDevices, MicrophoneProcessing } from './headset_events'

type SinkContext = AudioContext & { setSinkId?: (id: string) => Promise<void> }
type SinkElement = HTMLAudioElement & { setSinkId?: (id: string) => Promise<void> }

export function contextHasSink(): boolean {
  return typeof AudioContext !== 'undefined' && 'setSinkId' in AudioContext.prototype
}

export function elementHasSink(): boolean {
  return typeof HTMLAudioElement !== 'undefined' && 'setSinkId' in HTMLAudioElement.prototype
}

function named(device: MediaDeviceInfo): HeadsetDevice {
  return { id: device.deviceId, label: device.label }
}

/** Labels and stable ids are given once the microphone was allowed. Empty where the browser shows no devices at all. */
export async function listDevices(): Promise<HeadsetDevices> {
  const canChooseOutput = contextHasSink() || elementHasSink()
  // Missing outside of https and localhost.
  const devices = (await (navigator.mediaDevices as MediaDevices | undefined)?.enumerateDevices()) ?? []
  return {
    inputs: devices.filter((device) => device.kind === 'audioinput').map(named),
    outputs: canChooseOutput ? devices.filter((device) => device.kind === 'audiooutput').map(named) : [],
    canChooseOutput,
  }
}

/**
 * Opens a microphone. A chosen one that is gone is replaced by the system's default.
 *
 * Raises NotAllowedError (denied), NotFoundError (none there), NotReadableError (in use), SecurityError (no https).
 */
export async function openMicrophone(id: string, processing: MicrophoneProcessing): Promise<MediaStream> {
  const media = navigator.mediaDevices as MediaDevices | undefined
  if (media === undefined) throw new DOMException('microphones need https or localhost', 'SecurityError')
  const audio: MediaTrackConstraints = { ...processing, channelCount: { ideal: 1 } }
  if (id === '' || id === 'default') return media.getUserMedia({ audio })
  try {
    return await media.getUserMedia({ audio: { ...audio, deviceId: { exact: id } } })
  } catch (error) {
    const gone =
      error instanceof DOMException && ['OverconstrainedError', 'NotFoundError'].includes(error.name)
    if (!gone) throw error
    return media.getUserMedia({ audio })
  }
}

/** Leads `node` to the speakers of a chosen device; `''` is the system's default. */
export class Output {
  private element: SinkElement | null = null

  constructor(
    private readonly context: SinkContext,
    private readonly node: AudioNode,
  ) {
    node.connect(context.destination)
  }

  /** Raises NotFoundError for an unknown device, NotSupportedError where outputs cannot be chosen. */
  async choose(id: string): Promise<void> {
    const sink = id === 'default' ? '' : id
    if (this.context.setSinkId) {
      await this.context.setSinkId(sink)
    } else if (sink === '') {
      this.direct()
    } else {
      await this.throughElement(sink)
    }
  }

  close(): void {
    this.direct()
    this.node.disconnect()
  }

  private direct(): void {
    if (this.element === null) return
    this.element.pause()
    this.element.srcObject = null
    this.element = null
    this.node.disconnect()
    this.node.connect(this.context.destination)
  }

  private async throughElement(sink: string): Promise<void> {
    const element: SinkElement = this.element ?? new Audio()
    if (!element.setSinkId)
      throw new DOMException('this browser cannot choose an output', 'NotSupportedError')
    await element.setSinkId(sink)
    if (this.element !== null) return
    const stream = this.context.createMediaStreamDestination()
    element.srcObject = stream.stream
    await element.play()
    this.node.disconnect()
    this.node.connect(stream)
    this.element = element
  }
}
