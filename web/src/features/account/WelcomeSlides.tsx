import { useState } from "react";
import { useTranslation } from "react-i18next";

/** What was given, and what this program made of it; none of them is made up. */
const SLIDES = [
  { name: "style", before: "page", after: "learned" },
  { name: "background", before: "photo", after: "drawn" },
  { name: "pose", before: "character", after: "skeleton" },
] as const;

/** Three things the studio does, each with a before and an after. They turn when asked to, never by themselves. */
export function WelcomeSlides() {
  const { t } = useTranslation();
  const [shown, setShown] = useState(0);
  const slide = SLIDES[shown] ?? SLIDES[0];
  const turn = (by: number) => setShown((shown + by + SLIDES.length) % SLIDES.length);
  return (
    <section className="slides" aria-roledescription="carousel" aria-label={t("account.slides")}>
      <div aria-live="polite" className="slide">
        <div className="slide-pictures">
          {[slide.before, slide.after].map((picture) => (
            <img
              key={picture}
              src={`/welcome/${picture}.webp`}
              alt={t(`account.slide.${slide.name}.${picture === slide.before ? "before" : "after"}`)}
            />
          ))}
        </div>
        <p>{t(`account.slide.${slide.name}.text`)}</p>
      </div>
      <div className="row">
        <button type="button" className="slide-button" aria-label={t("account.slideBefore")} onClick={() => turn(-1)}>
          ‹
        </button>
        {SLIDES.map(({ name }, index) => (
          <button
            key={name}
            type="button"
            className="slide-button"
            aria-label={t("account.slideNumber", { number: index + 1, count: SLIDES.length })}
            aria-current={index === shown}
            onClick={() => setShown(index)}
          >
            <span className="slide-dot" />
          </button>
        ))}
        <button type="button" className="slide-button" aria-label={t("account.slideNext")} onClick={() => turn(1)}>
          ›
        </button>
      </div>
    </section>
  );
}
