import { useQuery } from "@tanstack/react-query";
import { useDeferredValue, useEffect, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "@/shared/api/client";

const SETTLE_MS = 500;
const HANGUL = /[ㄱ-ㆎ가-힣]/;

function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}

/** What to draw, in Korean or English; Korean is shown in the English that will be drawn. */
export function PromptField({ prompt, onChange }: { prompt: string; onChange: (prompt: string) => void }) {
  const { t } = useTranslation();
  const id = useId();
  const settled = useSettled(useDeferredValue(prompt.trim()));
  const korean = HANGUL.test(settled);
  const translation = useQuery({
    queryKey: ["translation", settled],
    enabled: korean,
    staleTime: Number.POSITIVE_INFINITY,
    refetchInterval: false,
    queryFn: () => unwrap(api.POST("/api/v1/prompts/translate", { body: { prompt: settled } })),
  });
  const unknown = translation.data?.unknown_words ?? [];
  return (
    <div className="field">
      <label htmlFor={id}>{t("background.prompt")}</label>
      <textarea
        id={id}
        rows={3}
        maxLength={1000}
        placeholder={t("background.promptPlaceholder")}
        aria-describedby={`${id}-english`}
        value={prompt}
        onChange={(event) => onChange(event.target.value)}
      />
      <div id={`${id}-english`} className="hint" aria-live="polite">
        {korean && translation.data && (
          <>
            {t("background.english")} <em lang="en">{translation.data.english}</em>
            {unknown.length > 0 && (
              <span className="warn block">{t("background.unknownWords", { words: unknown.join(", ") })}</span>
            )}
          </>
        )}
        {korean && translation.isError && t("background.noTranslation")}
      </div>
    </div>
  );
}
