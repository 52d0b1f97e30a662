/** A burst of sound on the test bench: wall-clock milliseconds of its first sample. */
export interface Burst {
  at: number
}
