import { useTranslation } from "react-i18next";
import { Slider } from "@/shared/ui/Slider";

type Props = {
  history: { undo: () => void; redo: () => void; canUndo: boolean; canRedo: boolean };
  wholeLimb: boolean;
  onWholeLimb: (on: boolean) => void;
  /** How strongly the picture shows through, or null when there is none. */
  underlay: number | null;
  onUnderlay: (opacity: number) => void;
  people: number;
  personIndex: number;
  onPerson: (index: number) => void;
};

export function EditorBar(props: Props) {
  const { t } = useTranslation();
  const { history, people, personIndex, underlay } = props;
  return (
    <div className="editor-bar">
      <div className="row">
        <button
          type="button"
          className="button small"
          disabled={!history.canUndo}
          aria-keyshortcuts="Control+Z Meta+Z"
          onClick={history.undo}
        >
          ↶ {t("pose.undo")}
        </button>
        <button
          type="button"
          className="button small"
          disabled={!history.canRedo}
          aria-keyshortcuts="Control+Shift+Z Meta+Shift+Z"
          onClick={history.redo}
        >
          ↷ {t("pose.redo")}
        </button>
        <label className="check">
          <input
            type="checkbox"
            checked={props.wholeLimb}
            onChange={(event) => props.onWholeLimb(event.target.checked)}
          />
          {t("pose.wholeLimb")}
        </label>
      </div>
      {people > 1 && (
        <fieldset className="segments labelled">
          <legend>{t("pose.whichPerson")}</legend>
          {Array.from({ length: people }, (_, index) => index).map((index) => (
            <button
              key={index}
              type="button"
              aria-pressed={index === personIndex}
              onClick={() => props.onPerson(index)}
            >
              {index + 1}
            </button>
          ))}
        </fieldset>
      )}
      {underlay !== null && (
        <Slider
          label={t("pose.underlay")}
          min={0}
          max={1}
          step={0.1}
          value={underlay}
          valueText={`${Math.round(underlay * 100)}%`}
          onChange={props.onUnderlay}
        />
      )}
    </div>
  );
}
