import { type ReactNode, useId, useLayoutEffect, useRef } from "react";
import { createPortal } from "react-dom";
import { useTranslation } from "react-i18next";

type Props = { title: string; wide?: boolean; onClose: () => void; children: ReactNode };

/**
 * A modal dialog: the browser traps focus, closes on Escape, and gives focus back. It lies beside the page, not in the
 * place that opened it: a form in it is in no other form.
 */
export function Dialog({ title, wide = false, onClose, children }: Props) {
  const { t } = useTranslation();
  const ref = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  // Closed while it is still in the page: the browser gives focus back only then.
  useLayoutEffect(() => {
    const dialog = ref.current;
    dialog?.showModal();
    // Where something is to be typed, typing may start at once; otherwise the browser's choice stands.
    dialog?.querySelector<HTMLInputElement>("form input:not([type=hidden])")?.select();
    return () => dialog?.close();
  }, []);
  return createPortal(
    <dialog ref={ref} className={wide ? "dialog wide" : "dialog"} aria-labelledby={titleId} onCancel={onClose}>
      <div className="row spread">
        <h2 id={titleId}>{title}</h2>
        <button type="button" className="button quiet icon" aria-label={t("common.close")} onClick={onClose}>
          ✕
        </button>
      </div>
      {children}
    </dialog>,
    document.body,
  );
}
