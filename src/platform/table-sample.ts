const limits = {
  /** A table of up to this size is counted row by row: about a hundred thousand rows of a few hundred bytes, in some 50 ms. */
  countedBytesMax: 32 * 1024 * 1024,
  /** Of a larger one so much is looked at, which tells shares of a hundredth to about a tenth of themselves. */
  sampledBytes: 16 * 1024 * 1024,
};

/**
 * For counts of tables that grow without end: SQL for the percentage of the pages to look at of a table of so many bytes (SQL as
 * well), for `tablesample system (...) repeatable (0)`; what is counted there times a hundred by it is what there is in all. Of the
 * same table the same pages are looked at each time, so that a figure does not flicker while nothing changes.
 */
export function percentLookedAt(sizeBytes: string): string {
  return `case when ${sizeBytes} <= ${limits.countedBytesMax} then 100 else ${limits.sampledBytes} * 100.0 / ${sizeBytes} end`;
}
