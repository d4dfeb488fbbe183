import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

const SHOWN_MS = 6000;
type Action = { label: string; run: () => void };
type Toast = { id: number; text: string; action?: Action };
type Show = (text: string, action?: Action) => void;
const ToastContext = createContext<Show>(() => undefined);

/** Shows a short note in the corner and reads it aloud; with an action, it can be undone from there. */
export function useToast() {
  return useContext(ToastContext);
}

export function Toasts({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<Toast[]>([]);
  const nextId = useRef(0);
  const close = useCallback((id: number) => setToasts((all) => all.filter((toast) => toast.id !== id)), []);
  const show = useCallback<Show>((text, action) => {
    nextId.current += 1;
    const id = nextId.current;
    setToasts((all) => [...all, { id, text, action }]);
  }, []);
  return (
    <ToastContext value={useMemo(() => show, [show])}>
      {children}
      <div className="toasts" role="status" aria-live="polite">
        {toasts.map((toast) => (
          <ToastNote key={toast.id} toast={toast} onClose={() => close(toast.id)} />
        ))}
      </div>
    </ToastContext>
  );
}

/** Goes after six seconds, but not while the pointer or the focus rests on it. */
function ToastNote({ toast, onClose }: { toast: Toast; onClose: () => void }) {
  const { t } = useTranslation();
  const [held, setHeld] = useState(false);
  const latest = useRef(onClose);
  latest.current = onClose;
  useEffect(() => {
    if (held) return;
    const timer = setTimeout(() => latest.current(), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [held]);
  const act = () => {
    toast.action?.run();
    onClose();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: only notices that somebody is reading
    <div
      className="toast"
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
    >
      <span>{toast.text}</span>
      {toast.action && (
        <button type="button" className="button small" onClick={act}>
          {toast.action.label}
        </button>
      )}
      <button type="button" className="button quiet icon" aria-label={t("common.close")} onClick={onClose}>
        ✕
      </button>
    </div>
  );
}
