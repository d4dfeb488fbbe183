import type { components } from "./schema";

type Schemas = components["schemas"];

export type Asset = Schemas["AssetAnswer"];
export type NewAsset = Schemas["AssetBody"];
export type Finding = Schemas["FindingAnswer"];
export type Job = Schemas["JobAnswer"];
export type JobKind = Job["kind"];
export type JobState = Job["state"];
export type Picture = Schemas["PictureAnswer"];
export type Pose = Schemas["PoseAnswer"];
export type Project = Schemas["ProjectAnswer"];
export type Result = Schemas["ResultAnswer"];
export type Session = Schemas["SessionAnswer"];
export type Style = Schemas["StyleAnswer"];
export type StyleMethod = Style["files"][number]["method"];
