import { errorText } from "@/shared/ui/errorText";

/** Names each file that the gateway did not take, and why. */
export function RefusedFiles({ refused }: { refused: { filename: string; error: unknown }[] | undefined }) {
  if (!refused?.length) return null;
  return (
    <ul className="note note-error" role="alert">
      {refused.map(({ filename, error }) => (
        <li key={filename}>
          <strong>{filename}</strong> — {errorText(error)}
        </li>
      ))}
    </ul>
  );
}
