import { readFileSync } from "node:fs";
import openapiTS, { astToString, COMMENT_HEADER } from "openapi-typescript";
import { expect, test } from "vitest";

test("the client's types are those of openapi.json (else: npm run types)", async () => {
  const nodes = await openapiTS(new URL("../openapi.json", import.meta.url), { defaultNonNullable: false });
  expect(COMMENT_HEADER + astToString(nodes)).toBe(readFileSync("src/shared/api/schema.d.ts", "utf8"));
}, 60_000);
