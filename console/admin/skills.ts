/** Skills as they are edited, row by row, against skills as they are kept, by name. */

export interface SkillRow {
  name: string
  level: number
}

export const rowsOf = (skills: Record<string, number> | undefined): SkillRow[] =>
  Object.entries(skills ?? {})
    .map(([name, level]) => ({ name, level }))
    .sort((a, b) => b.level - a.level || a.name.localeCompare(b.name))

/** Which row cannot be kept, and why; null where all can. */
export function wrongRow(rows: readonly SkillRow[]): { row: number; why: 'nameNeeded' | 'twice' } | null {
  const seen = new Set<string>()
  for (const [row, { name }] of rows.entries()) {
    const trimmed = name.trim()
    if (!trimmed) return { row, why: 'nameNeeded' }
    if (seen.has(trimmed)) return { row, why: 'twice' }
    seen.add(trimmed)
  }
  return null
}

export const skillsOf = (rows: readonly SkillRow[]): Record<string, number> =>
  Object.fromEntries(rows.map(({ name, level }) => [name.trim(), level]))
