// Progress on one line of a terminal; where the output is a file or a pipe, only the finished lines.

const width = 24;

export const progress = {
  /**
   * @param {string} what
   * @param {number} fraction from 0 to 1
   * @param {string} note
   */
  show(what, fraction, note) {
    if (!process.stdout.isTTY) return;
    const full = Math.round(fraction * width);
    process.stdout.write(`\r${what} ${'█'.repeat(full)}${'░'.repeat(width - full)} ${note}\x1b[K`);
  },
  /** @param {string} line */
  done(line) {
    if (process.stdout.isTTY) process.stdout.write('\r\x1b[K');
    console.log(line);
  },
};
