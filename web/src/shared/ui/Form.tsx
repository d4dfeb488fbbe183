import type { FormEvent, FormHTMLAttributes, KeyboardEvent } from "react";

type Props = Omit<FormHTMLAttributes<HTMLFormElement>, "onSubmit"> & { onSubmit: () => void };

/** Safari reports the Enter that ends a Hangul syllable after the composition, as key code 229. */
const COMPOSING_KEY_CODE = 229;

/** A form that is never sent while Hangul is being composed. */
export function Form({ onSubmit, children, ...rest }: Props) {
  const submit = (event: FormEvent) => {
    event.preventDefault();
    event.stopPropagation(); // a form in a dialog is not that of the page which opened it
    onSubmit();
  };
  const keyDown = (event: KeyboardEvent<HTMLFormElement>) => {
    const composing = event.nativeEvent.isComposing || event.keyCode === COMPOSING_KEY_CODE;
    if (event.key === "Enter" && composing) event.preventDefault();
  };
  return (
    <form {...rest} onSubmit={submit} onKeyDown={keyDown}>
      {children}
    </form>
  );
}
