/** What was drafted step by step, for undo and redo. States are texts, so that equal ones are recognised. */

const MOST = 200

export class History {
  private past: string[] = []
  private future: string[] = []

  constructor(private now: string) {}

  get canUndo(): boolean {
    return this.past.length > 0
  }

  get canRedo(): boolean {
    return this.future.length > 0
  }

  /** A new state; gives whether it is one. */
  record(next: string): boolean {
    if (next === this.now) return false
    this.past = [...this.past.slice(1 - MOST), this.now]
    this.future = []
    this.now = next
    return true
  }

  /** The state before, null at the beginning. */
  undo(): string | null {
    const before = this.past.pop()
    if (before === undefined) return null
    this.future.push(this.now)
    return (this.now = before)
  }

  redo(): string | null {
    const after = this.future.pop()
    if (after === undefined) return null
    this.past.push(this.now)
    return (this.now = after)
  }
}
