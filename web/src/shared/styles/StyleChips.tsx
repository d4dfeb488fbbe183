import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Style, StyleMethod } from "@/shared/api/models";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { type ChosenStyle, METHODS } from "./chosen";
import { StyleWeight } from "./StyleWeight";
import { useStyles } from "./useStyles";

const MAX_MIXED = 2;

type Props = {
  projectId: string;
  chosen: ChosenStyle[];
  onChange: (chosen: ChosenStyle[]) => void;
  legend: string;
  /** The ways of learning whose files can draw here. */
  methods?: readonly StyleMethod[];
  /** What is drawn without any style, said where there is none. */
  without?: string;
};

/** A style as first chosen; only one of a mix may have been learned from a single picture. */
function choose(style: Style, others: ChosenStyle[], allowed: readonly StyleMethod[]): ChosenStyle | null {
  const taken = others.some((other) => other.method === "dreamstyler");
  const methods = style.files
    .map((file) => file.method)
    .filter((method) => allowed.includes(method) && (method === "lora" || !taken));
  const method = methods.includes("lora") ? "lora" : methods[0];
  return method ? { style_id: style.id, method, weight: 1 } : null;
}

/** Which styles to draw in: none, one, or two mixed by their weights. */
export function StyleChips({ projectId, chosen, onChange, legend, methods = METHODS, without }: Props) {
  const { t } = useTranslation();
  const styles = useStyles(projectId);
  // Of each style the version in use is offered; another that was chosen before stays until it is taken out.
  const offered = styles.data?.filter(
    (style) =>
      style.files.some((file) => methods.includes(file.method)) &&
      (style.in_use || chosen.some((one) => one.style_id === style.id)),
  );
  const known = chosen.filter((one) => styles.data?.some((style) => style.id === one.style_id));

  const toggle = (style: Style) => {
    const others = known.filter((one) => one.style_id !== style.id);
    if (others.length < known.length) return onChange(others.map((one) => ({ ...one, weight: 1 })));
    const added = choose(style, others, methods);
    if (!added) return;
    const mixed = [...others, added].slice(-MAX_MIXED);
    onChange(mixed.map((one) => ({ ...one, weight: 1 / mixed.length })));
  };

  return (
    <fieldset className="choices">
      <legend>{legend}</legend>
      {styles.isError && <ErrorNote error={styles.error} onRetry={() => void styles.refetch()} />}
      {styles.data?.length === 0 && (
        <p className="hint">
          {without} <Link to={`/projects/${projectId}/style`}>{t("background.teachStyle")}</Link>
        </p>
      )}
      <div className="row">
        {offered?.map((style) => (
          <button
            key={style.id}
            type="button"
            className="chip"
            aria-pressed={known.some((one) => one.style_id === style.id)}
            onClick={() => toggle(style)}
          >
            {style.name}
            {!style.in_use && ` · ${t("style.version", { version: style.version })}`}
          </button>
        ))}
      </div>
      {offered && offered.length > 1 && <small className="hint">{t("background.mixHint")}</small>}
      {known.map((one) => (
        <StyleWeight
          key={one.style_id}
          chosen={one}
          methods={methods}
          style={styles.data?.find((style) => style.id === one.style_id)}
          dreamstylerTaken={known.some((other) => other !== one && other.method === "dreamstyler")}
          onChange={(changed) => onChange(known.map((other) => (other === one ? changed : other)))}
        />
      ))}
    </fieldset>
  );
}
