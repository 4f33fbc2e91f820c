// Which rows of a long conversation are in the page: a window that moves with the reader. Pure.

/** How many rows are in the page. */
export const rowsMax = 160;
/** By how many rows the window moves, and how many more than usual it may hold while it does. */
const step = 40;

/** The rows from `start` to before `end`. */
export class RowWindow {
  start = 0;
  end = 0;

  /** Begins at the end of so many rows. */
  reset(count) {
    this.end = count;
    this.start = Math.max(0, count - rowsMax);
  }

  /** Goes to the end; what is in the page already stays there while it is not too much. */
  toEnd(count) {
    const isNear = this.end >= count - rowsMax && count - this.start <= rowsMax + step;
    if (isNear && this.start <= count) this.end = count;
    else this.reset(count);
  }

  /** Stands so that `before` rows, or at least a step, are above the row `index`. */
  around(index, before, count) {
    const length = Math.max(rowsMax, this.end - this.start);
    this.start = Math.max(0, index - Math.max(step, before));
    this.end = Math.min(count, this.start + length);
  }

  /** Rows went away at the end. */
  clamp(count) {
    this.end = Math.min(this.end, count);
  }

  /** A step up. */
  earlier() {
    this.start = Math.max(0, this.start - step);
    this.end = Math.min(this.end, this.start + rowsMax + step);
  }

  /** A step down. */
  later(count) {
    this.end = Math.min(count, this.end + step);
    this.start = Math.max(this.start, this.end - rowsMax - step);
  }
}
