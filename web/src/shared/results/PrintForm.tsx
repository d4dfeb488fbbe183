import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "@/shared/api/errors";
import { saveFrom } from "@/shared/download";
import { ErrorNote } from "@/shared/ui/ErrorNote";
import { Form } from "@/shared/ui/Form";
import { millimetres, withDpi } from "./printDpi";

const RESOLUTIONS = [150, 300, 350, 600] as const;
const DEFAULT_DPI = 300;

type Props = {
  picture: { width: number; height: number };
  filename: string;
  /** A link to the PNG that answers now. */
  link: () => Promise<string>;
};

/** The picture for paper: how fine, and how large that is. Colours stay sRGB. */
export function PrintForm({ picture, filename, link }: Props) {
  const { t } = useTranslation();
  const [dpi, setDpi] = useState<number>(DEFAULT_DPI);
  const size = { width: millimetres(picture.width, dpi), height: millimetres(picture.height, dpi) };
  const save = useMutation({
    mutationFn: async () => {
      const answer = await fetch(await link());
      if (!answer.ok) throw new ApiError(answer.status, "LINK_EXPIRED", "", null);
      const bytes = withDpi(new Uint8Array(await answer.arrayBuffer()), dpi);
      const url = URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
      saveFrom(url, `${filename}-${dpi}dpi.png`);
      setTimeout(() => URL.revokeObjectURL(url), 0);
    },
  });
  return (
    <Form className="stack tight" onSubmit={() => save.mutate()}>
      <fieldset className="segments labelled">
        <legend>{t("webtoon.dpi")}</legend>
        {RESOLUTIONS.map((value) => (
          <button key={value} type="button" aria-pressed={value === dpi} onClick={() => setDpi(value)}>
            {value}
          </button>
        ))}
      </fieldset>
      <small className="hint" role="status">
        {t("webtoon.paper", size)}
      </small>
      {save.error ? <ErrorNote error={save.error} /> : null}
      <button type="submit" className="button" disabled={save.isPending}>
        {t("webtoon.print", { dpi })}
      </button>
    </Form>
  );
}
