import { expect, test } from "vitest";
import { daysLeft } from "@/features/assets/daysLeft";
import { browserName } from "@/features/settings/browserName";

const DAY_MS = 86_400_000;

test("the days in the trash are counted down from 30 to the last day", () => {
  const thrownAway = "2026-11-01T12:00:00Z";
  const then = Date.parse(thrownAway);
  expect([0, 0.5, 1, 29.5, 30, 31].map((days) => daysLeft(thrownAway, then + days * DAY_MS))).toEqual([
    30, 29, 29, 0, 0, 0,
  ]);
});

test("a browser is called by its own name, not by those it pretends to be", () => {
  const chrome = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36";
  expect(browserName(chrome)).toBe("Chrome · Windows");
  expect(browserName(`${chrome} Edg/140.0`)).toBe("Edge · Windows");
  expect(browserName("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1")).toBe(
    "Safari · iOS",
  );
  expect(browserName("python-httpx/0.28")).toBeNull();
});
