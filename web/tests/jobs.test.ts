import { describe, expect, test } from "vitest";
import type { Job } from "@/shared/api/models";
import { newer, percentOf } from "@/shared/jobs/state";
import { seedFrom } from "@/shared/seeds";

const job = (part: Partial<Job>): Job => ({
  id: "a",
  project_id: "p",
  kind: "background",
  state: "running",
  cancel_requested: false,
  queue_position: null,
  steps_done: 0,
  steps_total: 20,
  seconds_left: null,
  stage: null,
  preview_url: null,
  losses: [],
  findings: [],
  checkpoint_samples: [],
  error: null,
  request: {},
  results: [],
  style_id: null,
  created_at: "2026-01-01T00:00:00Z",
  started_at: null,
  ended_at: null,
  ...part,
});

describe("what is known of a job", () => {
  test("never goes back from ended to running", () => {
    const ended = job({ state: "succeeded", steps_done: 20 });
    expect(newer(ended, job({ steps_done: 12 }))).toBe(ended);
  });

  test("never loses steps to an answer that came late", () => {
    expect(newer(job({ steps_done: 12 }), job({ steps_done: 9 })).steps_done).toBe(12);
  });

  test("takes the end as it is told", () => {
    expect(newer(job({ steps_done: 12 }), job({ state: "failed", steps_done: 3 })).steps_done).toBe(3);
  });

  test("is no percent before its length is known", () => {
    expect(percentOf(job({ steps_total: 0 }))).toBe(0);
    expect(percentOf(job({ steps_done: 5 }))).toBe(25);
  });
});

test("a typed number is taken as it is; anything else becomes a fresh one", () => {
  expect(seedFrom("42")).toBe(42);
  for (const typed of ["", " ", "-1", "1.5", "하나", "99999999999"]) {
    const seed = seedFrom(typed);
    expect(Number.isInteger(seed) && seed >= 0 && seed < 1_000_000_000).toBe(true);
  }
});
