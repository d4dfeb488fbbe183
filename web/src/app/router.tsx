import { createBrowserRouter, Navigate } from "react-router";
import { ResetPasswordPage } from "@/features/account/ResetPasswordPage";
import { SignInPage } from "@/features/account/SignInPage";
import { SignUpPage } from "@/features/account/SignUpPage";
import { VerifyEmailPage } from "@/features/account/VerifyEmailPage";
import { AssetsPage } from "@/features/assets/AssetsPage";
import { BackgroundPage } from "@/features/background/BackgroundPage";
import { JobsPage } from "@/features/jobs/JobsPage";
import { ProjectsPage } from "@/features/projects/ProjectsPage";
import { StylePage } from "@/features/style/StylePage";
import { Frame } from "./Frame";
import { PageFailed } from "./PageFailed";
import { RequireSession } from "./RequireSession";

export const router = createBrowserRouter([
  { path: "/sign-in", element: <SignInPage /> },
  { path: "/sign-up", element: <SignUpPage /> },
  { path: "/reset-password", element: <ResetPasswordPage /> },
  { path: "/verify-email", element: <VerifyEmailPage /> },
  {
    path: "/receipts/:receiptId",
    lazy: async () => ({ Component: (await import("@/features/settings/ReceiptPage")).ReceiptPage }),
    HydrateFallback: () => null,
  },
  {
    element: <RequireSession />,
    errorElement: <PageFailed />,
    children: [
      {
        element: <Frame />,
        children: [
          { path: "/", element: <ProjectsPage /> },
          {
            path: "/account",
            lazy: async () => ({ Component: (await import("@/features/settings/SettingsPage")).SettingsPage }),
            HydrateFallback: () => null,
          },
          { path: "/projects/:projectId", element: <Navigate to="style" replace /> },
          { path: "/projects/:projectId/style", element: <StylePage /> },
          { path: "/projects/:projectId/background", element: <BackgroundPage /> },
          {
            path: "/projects/:projectId/pose",
            lazy: async () => ({ Component: (await import("@/features/pose/PosePage")).PosePage }),
            HydrateFallback: () => null,
          },
          { path: "/projects/:projectId/assets", element: <AssetsPage /> },
          { path: "/projects/:projectId/jobs", element: <JobsPage /> },
        ],
      },
    ],
  },
  { path: "*", element: <Navigate to="/" replace /> },
]);
