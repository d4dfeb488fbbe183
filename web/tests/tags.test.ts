import { expect, test } from "vitest";
import { areTakeable, tagsOf, withTags } from "@/features/assets/tags";

test("a line of tags is parted at commas of every script, without the marks before them", () => {
  expect(tagsOf(" #비 오는 밤, 골목、Rain，rain,, #")).toEqual(["비 오는 밤", "골목", "Rain"]);
  expect(tagsOf("")).toEqual([]);
});

test("a tag that is there already is not given twice, however it was typed", () => {
  expect(withTags(["골목"], ["골목".normalize("NFD"), "밤"])).toEqual(["골목", "밤"]);
});

test("more or longer tags than the gateway takes are noticed before they are sent", () => {
  expect(areTakeable(Array.from({ length: 10 }, (_, i) => `${i}`))).toBe(true);
  expect(areTakeable(Array.from({ length: 11 }, (_, i) => `${i}`))).toBe(false);
  expect(areTakeable(["가".repeat(21)])).toBe(false);
});
