import { expect, test } from "vitest";
import { withParents } from "@/shared/filing/folders";

test("a folder holds what lies below it, also where nothing lies in itself", () => {
  const told = [
    { folder: "", assets: 4 },
    { folder: "2화", assets: 1 },
    { folder: "2화/5컷", assets: 2 },
    { folder: "3화/1컷/밤", assets: 3 },
  ];
  expect(withParents(told)).toEqual([
    { folder: "2화", assets: 3 },
    { folder: "2화/5컷", assets: 2 },
    { folder: "3화", assets: 3 },
    { folder: "3화/1컷", assets: 3 },
    { folder: "3화/1컷/밤", assets: 3 },
  ]);
});
