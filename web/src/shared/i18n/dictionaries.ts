import enAccount from "./en/account.json";
import enAssets from "./en/assets.json";
import enBackground from "./en/background.json";
import enCommon from "./en/common.json";
import enErrors from "./en/errors.json";
import enJobs from "./en/jobs.json";
import enKeys from "./en/keys.json";
import enPose from "./en/pose.json";
import enProjects from "./en/projects.json";
import enReading from "./en/reading.json";
import enSettings from "./en/settings.json";
import enStyle from "./en/style.json";
import enWebtoon from "./en/webtoon.json";
import koAccount from "./ko/account.json";
import koAssets from "./ko/assets.json";
import koBackground from "./ko/background.json";
import koCommon from "./ko/common.json";
import koErrors from "./ko/errors.json";
import koJobs from "./ko/jobs.json";
import koKeys from "./ko/keys.json";
import koPose from "./ko/pose.json";
import koProjects from "./ko/projects.json";
import koReading from "./ko/reading.json";
import koSettings from "./ko/settings.json";
import koStyle from "./ko/style.json";
import koWebtoon from "./ko/webtoon.json";

export const en = {
  account: enAccount,
  assets: enAssets,
  background: enBackground,
  common: enCommon,
  errors: enErrors,
  jobs: enJobs,
  keys: enKeys,
  pose: enPose,
  projects: enProjects,
  reading: enReading,
  settings: enSettings,
  style: enStyle,
  webtoon: enWebtoon,
};

export const ko: typeof en = {
  account: koAccount,
  assets: koAssets,
  background: koBackground,
  common: koCommon,
  errors: koErrors,
  jobs: koJobs,
  keys: koKeys,
  pose: koPose,
  projects: koProjects,
  reading: koReading,
  settings: koSettings,
  style: koStyle,
  webtoon: koWebtoon,
};
