import type { FileRoute } from "./file_routes.ts";

/** The query parameter that carries a file's key, so that it can be cached for ever. */
export const ASSET_KEY = "__frsh_c";

/** The folder of URLs that hold the islands' code. */
export const SCRIPTS_PATH = "/_fresh/js/";

/** What a file may be encoded as. */
export type Encoding = "br" | "gzip";

/** A file that is served, from disk or from memory. */
export interface StaticFile {
  /** Hash of its content. */
  hash: string;
  /** Its `Content-Type`. */
  contentType: string;
  /** Its bytes, or the path of the file that holds them. */
  content: Uint8Array | string;
  /** The same, compressed. */
  encoded?: Partial<Record<Encoding, Uint8Array | string>>;
}

/** Where the browser finds an island file, and what to fetch with it. */
export interface IslandFile {
  /** Its name among the islands, unique. */
  name: string;
  /** URL path of its script, without base path. */
  script: string;
  /** The scripts it imports. */
  imports: string[];
}

/** What a build found and made, apart from the modules themselves. */
export interface BuildManifest {
  /** Hash over everything the browser can fetch. */
  id: string;
  /** The directory of the app. */
  root: string;
  /** What the build was made for. */
  mode: "development" | "production";
  /** URL path of the script that wakes the islands; null without islands. */
  runtime: { script: string; imports: string[] } | null;
  /** The island files. */
  islands: IslandFile[];
  /** What is served as it is, by decoded URL path. */
  files: Map<string, StaticFile>;
}

/** A manifest with the modules it speaks of. */
export interface Build extends BuildManifest {
  /** The files of `routes/`. */
  routes: FileRoute[];
  /** Each island component, with where the browser finds it. */
  components: Map<unknown, IslandExport>;
}

/** An island component's place: a file and an export of it. */
export interface IslandExport {
  /** The file that exports it. */
  file: IslandFile;
  /** Under this name. */
  exportName: string;
}

const builds = new WeakMap<object, Build>();
let announced: BuildManifest | null = null;

/** Makes a build known to `asset()` before any module of the app is loaded. */
export function announceBuild(manifest: BuildManifest): void {
  announced = manifest;
}

/** The manifest last announced: what `asset()` knows outside of rendering. */
export function announcedBuild(): BuildManifest | null {
  return announced;
}

/** The key of a file in a build; files it does not know get the build's own. */
export function keyIn({ files, id }: BuildManifest, path: string): string {
  try {
    return files.get(decodeURI(path))?.hash ?? id;
  } catch { // not a path that a URL can have
    return id;
  }
}

/** Gives an app its file routes, islands and static files. */
export function attachBuild(app: object, build: Build): void {
  builds.set(app, build);
}

/** The build attached to an app. */
export function buildOf(app: object): Build | null {
  return builds.get(app) ?? null;
}

/** Finds the islands among the exports of their modules: every function is one. */
export function islandComponents(
  files: IslandFile[],
  modules: Record<string, unknown>[],
): Map<unknown, IslandExport> {
  const components = new Map<unknown, IslandExport>();
  files.forEach((file, at) => {
    for (const [exportName, value] of Object.entries(modules[at])) {
      if (typeof value === "function") {
        components.set(value, { file, exportName });
      }
    }
  });
  return components;
}
