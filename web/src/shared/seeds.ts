/** Numbers of at most nine digits: short enough to read out and type. */
const BELOW = 1_000_000_000;

/** The number an artist typed; a fresh one when it is empty or not a whole number in range. */
export function seedFrom(typed: string): number {
  const seed = Number(typed);
  const usable = typed.trim() !== "" && Number.isInteger(seed) && seed >= 0 && seed < BELOW;
  return usable ? seed : Math.floor(Math.random() * BELOW);
}
