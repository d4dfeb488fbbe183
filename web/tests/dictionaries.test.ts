import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import IntlMessageFormat from "intl-messageformat";
import { describe, expect, test } from "vitest";
import { en, ko } from "@/shared/i18n/dictionaries";

type Texts = { [key: string]: string | Texts };

function flatten(texts: Texts, prefix = ""): Map<string, string> {
  const flat = new Map<string, string>();
  for (const [key, value] of Object.entries(texts)) {
    if (typeof value === "string") flat.set(prefix + key, value);
    else for (const [inner, text] of flatten(value, `${prefix}${key}.`)) flat.set(inner, text);
  }
  return flat;
}

function sources(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return sources(path);
    return /\.tsx?$/.test(name) ? [readFileSync(path, "utf8")] : [];
  });
}

/** The argument names that a message asks for. */
function argumentsOf(message: string): string[] {
  const names = new Set<string>();
  const visit = (parts: ReturnType<IntlMessageFormat["getAst"]>) => {
    for (const part of parts) {
      if ("value" in part && part.type !== 0) names.add(String(part.value));
      if ("options" in part) for (const option of Object.values(part.options)) visit(option.value);
    }
  };
  visit(new IntlMessageFormat(message, "en").getAst());
  return [...names].sort();
}

const korean = flatten(ko);
const english = flatten(en);
const code = sources("src").join("\n");

describe("the dictionaries", () => {
  test("have the same keys in Korean and in English", () => {
    expect(korean.size).toBeGreaterThan(200);
    expect([...korean.keys()].sort()).toEqual([...english.keys()].sort());
  });

  test("ask for the same arguments in both languages", () => {
    const differing = [...korean].filter(
      ([key, text]) => argumentsOf(text).join() !== argumentsOf(english.get(key) ?? "").join(),
    );
    expect(differing).toEqual([]);
  });

  test("have no text without words", () => {
    expect([...korean, ...english].filter(([, text]) => text.trim() === "")).toEqual([]);
  });

  test("have no key that the pages do not use", () => {
    // A key is used as it stands, or under a prefix that code completes: t(`jobs.state.${...}`).
    const prefixes = [...code.matchAll(/`((?:[a-zA-Z]+\.)+)\$\{/g)].map((match) => match[1] as string);
    const isUsed = (key: string) => code.includes(`"${key}"`) || prefixes.some((prefix) => key.startsWith(prefix));
    expect([...korean.keys()].filter((key) => !isUsed(key))).toEqual([]);
    expect(isUsed("common.neverWritten")).toBe(false);
  });
});
