// The printed table: a row for each measurement, a column for each contestant.

/** @param {number} value */
const figures = value =>
  value >= 100
    ? value.toFixed(0)
    : value >= 10
      ? value.toFixed(1)
      : value >= 1
        ? value.toFixed(2)
        : value.toPrecision(2);

/**
 * @param {import('./rows.js').Row} row
 * @param {number} milliseconds
 */
function inUnit({ unit, flops = 0 }, milliseconds) {
  if (unit === 'GFLOP/s') return figures(flops / milliseconds / 1e6);
  return figures(unit === 'µs' ? milliseconds * 1000 : milliseconds);
}

/**
 * @param {readonly import('./rows.js').Row[]} rows
 * @param {readonly { name: string, cells: Record<string, { median?: number, differs?: string }> }[]} contestants
 */
export function printTable(rows, contestants) {
  if (contestants.length === 0 || rows.length === 0) return;
  const own = contestants.filter(one => one.name.startsWith('cotangent'));
  const head = ['row', 'unit', ...contestants.map(one => one.name.replace('cotangent-', ''))];
  const lines = rows.map(row => {
    const times = own.flatMap(one => one.cells[row.name]?.median ?? []);
    const best = times.length > 0 ? Math.min(...times) : undefined;
    const cells = contestants.map(one => {
      const { median, differs } = one.cells[row.name] ?? {};
      if (median === undefined) return '–';
      const ratio = best === undefined ? '' : ` ×${figures(median / best)}`;
      return `${differs ? '≠ ' : ''}${inUnit(row, median)}${ratio}`;
    });
    return [row.name, row.unit, ...cells];
  });
  const widths = head.map((_, i) => Math.max(...[head, ...lines].map(line => line[i].length)));
  const print = (/** @type {string[]} */ line) =>
    console.log(
      line.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  '),
    );
  console.log();
  print(head);
  print(widths.map(width => '─'.repeat(width)));
  lines.forEach(print);
  console.log('× the time of the fastest backend of cotangent; – none; ≠ other numbers than most\n');
}

/** @param {readonly { name: string, threads: number, one: number | null, all: number | null, reason?: string }[]} list */
export function printCeilings(list) {
  for (const { name, threads, one, all, reason } of list) {
    if (one === null || all === null) console.log(`ceiling: ${name}: – (${reason})`);
    else console.log(`ceiling: ${name}: ${figures(one)} on one thread, ${figures(all)} on ${threads}`);
  }
}
