/** Whether a typed text may be sent to be dialled: digits with the usual separators, `+` in front, `*` and `#`. */
export function isDialable(text: string): boolean {
  const bare = text.trim().replace(/[\s().-]/g, '')
  return /^\+?[\d*#]{3,32}$/.test(bare) && /\d/.test(bare)
}
