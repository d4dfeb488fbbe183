import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { RouterProvider } from "react-router";
import { startI18n } from "@/shared/i18n";
import { chosenTheme, showTheme } from "@/shared/theme";
import { Toasts } from "@/shared/ui/Toasts";
import { queryClient } from "./queryClient";
import { router } from "./router";
import "./styles/tokens.css";
import "./styles/controls.css";
import "./styles/layout.css";
import "./styles/content.css";
import "./styles/dialogs.css";
import "./styles/pictures.css";
import "./styles/learning.css";
import "./styles/assets.css";
import "./styles/pose.css";
import "./styles/studio.css";
import "./styles/responsive.css";

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");

showTheme(chosenTheme());
await startI18n();
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <Toasts>
        <RouterProvider router={router} />
      </Toasts>
    </QueryClientProvider>
  </StrictMode>,
);
