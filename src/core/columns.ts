/** Text in columns. */

/**
 * Rows of texts under one another, each column as wide as its longest text, two spaces between; the last to the left or
 * to the right of its column.
 */
export function columns(rows: readonly (readonly string[])[], last: 'left' | 'right' = 'left'): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map(row => row[column].length)));
  return rows
    .map(row =>
      row
        .map((cell, i) =>
          last === 'right' && i === row.length - 1 ? cell.padStart(widths[i]) : cell.padEnd(widths[i]),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
