import type { ReactNode } from "react";

/** What this place is for, when there is nothing in it yet. */
export function Empty({ title, text, children }: { title: string; text?: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <p className="empty-title">{title}</p>
      {text && <p className="hint">{text}</p>}
      {children}
    </div>
  );
}

/** Grey shapes in the place of content that is on its way. */
export function Skeletons({ count, label }: { count: number; label: string }) {
  return (
    <div className="grid" role="status" aria-label={label}>
      {Array.from({ length: count }, (_, index) => `skeleton-${index}`).map((key) => (
        <div key={key} className="skeleton" />
      ))}
    </div>
  );
}
