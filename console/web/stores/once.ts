/**
 * Deeds that are done once, however often they are pressed: until what they were done to has changed, a second press
 * (a double click, two quick keys) would be refused by the phone and told to the user as a failure.
 */
export function makeOnce(): (deed: string, act: () => Promise<unknown>) => Promise<boolean> {
  let latest = ''
  /** `deed` names what is done to what, as it stands. Gives whether this press did it; what failed may be tried again. */
  return async (deed, act) => {
    if (deed === latest) return false
    latest = deed
    try {
      await act()
    } catch (error) {
      if (latest === deed) latest = ''
      throw error
    }
    return true
  }
}
