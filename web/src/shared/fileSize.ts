const KB = 1000;
const MB = 1_000_000;

/** A file's size as people say it: "9.8 MB", "340 kB". */
export function fileSize(language: string, bytes: number): string {
  const [value, unit] = bytes >= MB ? [bytes / MB, "megabyte"] : [Math.max(1, bytes / KB), "kilobyte"];
  const digits = bytes >= MB ? 1 : 0;
  return new Intl.NumberFormat(language, { style: "unit", unit, maximumFractionDigits: digits }).format(value);
}
