import { isAbsolute, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { App, type ListenOptions } from "../app.ts";
import { announceBuild, type BuildManifest } from "../build.ts";
import type { FileRoute } from "../file_routes.ts";
import { serveOnFreePort } from "../listen.ts";
import { applyBuild } from "../serve_build.ts";
import { collectAssets } from "./assets.ts";
import { bundleIslands, RUNTIME_NAME, toSpecifier } from "./bundle.ts";
import { type AppFiles, findAppFiles, islandNames } from "./crawl.ts";
import { brokenHandler, withLiveReload } from "./live_reload.ts";
import {
  type OnTransformOptions,
  type TransformFn,
  type TransformMode,
  Transforms,
} from "./transforms.ts";
import { writeBuild } from "./write.ts";

/** Where the parts of an app are: file URLs, or paths that are relative to `root`. */
export interface BuildOptions {
  /** The browsers that transforms are told to support. */
  target?: string | string[];
  /** The directory of the app; the current one unless given. */
  root?: string;
  /** Where a build is written to, `_fresh` unless given. */
  outDir?: string;
  /** Files to serve as they are, `static` unless given. */
  staticDir?: string | string[];
  /** Islands, `islands` unless given. */
  islandDir?: string;
  /** File routes, `routes` unless given. */
  routeDir?: string;
  /** The module that exports `app`, `main.ts` unless given. */
  serverEntry?: string;
  /** Files in the routes and islands folders to leave alone. */
  ignore?: RegExp[];
  /** Source maps; kept for upstream's sake, without effect. */
  sourceMap?: {
    kind: boolean | "linked" | "inline" | "external" | "both";
    sourceRoot?: string;
    sourcesContent?: boolean;
  };
}

/** {@linkcode BuildOptions} with absolute paths and defaults filled in. */
export type ResolvedBuildConfig =
  & Required<Omit<BuildOptions, "staticDir" | "sourceMap">>
  & Pick<BuildOptions, "sourceMap">
  & {
    /** Folders of static files; the first that has a file wins. */
    staticDir: string[];
    /** What the last build was for. */
    mode: TransformMode;
    /** Hash over everything the last build serves. */
    buildId: string;
  };

// deno-lint-ignore no-explicit-any
type AnyApp = App<any>;

interface Product {
  manifest: BuildManifest;
  assets: Awaited<ReturnType<typeof collectAssets>>["assets"];
  routes: AppFiles["routes"];
  islands: string[];
}

/** Builds an app, or builds it in memory and serves it for development. */
export class Builder<_State = unknown> {
  /** The settings in effect. */
  config: ResolvedBuildConfig;
  #transforms = new Transforms();
  #registered: string[] = [];

  /** Takes the current directory for the app's, unless told otherwise. */
  constructor(options: BuildOptions = {}) {
    const root = resolve(pathOf(options.root ?? "."));
    const inRoot = (given: string) => {
      const path = pathOf(given);
      return isAbsolute(path) ? path : join(root, path);
    };
    this.config = {
      root,
      target: options.target ?? ["chrome99", "firefox99", "safari15"],
      outDir: inRoot(options.outDir ?? "_fresh"),
      staticDir: [options.staticDir ?? "static"].flat().map(inRoot),
      islandDir: inRoot(options.islandDir ?? "islands"),
      routeDir: inRoot(options.routeDir ?? "routes"),
      serverEntry: inRoot(options.serverEntry ?? "main.ts"),
      ignore: options.ignore ?? [],
      sourceMap: options.sourceMap,
      mode: "production",
      buildId: "",
    };
  }

  /** Makes islands of a module that is not in the islands folder: a path, a URL or a package. */
  registerIsland(pathOrSpecifier: string): void {
    this.#registered.push(pathOrSpecifier);
  }

  /** Changes static files as they are built, those whose path the filter matches. */
  onTransformStaticFile(options: OnTransformOptions, fn: TransformFn): void {
    this.#transforms.add(options, fn);
  }

  /**
   * Builds to disk, or in memory, as for tests. What it returns gives a build
   * in memory to an app; one on disk is run as `server.js`.
   */
  async build(
    options: { mode?: TransformMode; snapshot?: "disk" | "memory" } = {},
  ): Promise<(app: AnyApp) => void> {
    const product = await this.#make(options.mode ?? "production");
    if (options.snapshot === "memory") return await applying(product);

    const { outDir, serverEntry } = this.config;
    await writeBuild({ outDir, serverEntry, ...product });
    return () => {
      throw new Error(
        `This build is on disk: run ${join(outDir, "server.js")}, ` +
          `or build with { snapshot: "memory" } to give it to an app.`,
      );
    };
  }

  /**
   * Serves the app for development. Pages reload when the server has been
   * restarted, which is left to `deno run --watch`.
   */
  async listen(
    importApp: () => Promise<AnyApp | { app: AnyApp }>,
    options: ListenOptions = {},
  ): Promise<void> {
    let handler: ReturnType<AnyApp["handler"]>;
    let config = new App().config;
    try {
      const product = await this.#make("development");
      announceBuild(product.manifest);
      const imported = await importApp();
      const app = "app" in imported ? imported.app : imported;
      (await applying(product))(app);
      config = app.config;
      handler = app.handler();
    } catch (error) {
      console.error(error);
      handler = brokenHandler(error);
    }
    serveOnFreePort(withLiveReload(handler, config.basePath), config, options);
  }

  async #make(mode: TransformMode): Promise<Product> {
    const { root, routeDir, islandDir, staticDir, outDir, ignore, target } = this.config;
    const { routes, islands: found } = await findAppFiles(routeDir, islandDir, ignore);
    const islands = [
      ...found.map((path) => pathToFileURL(path).href),
      ...this.#registered.map((specifier) => toSpecifier(specifier, root)),
    ];
    const names = islandNames(islands);
    const entries = islands.map((specifier, at) => ({
      specifier,
      name: names[at],
    }));
    const scripts = await bundleIslands(root, entries, mode);
    const { id, scriptsPath, assets } = await collectAssets(
      { root, staticDirs: staticDir, outDir, mode, target },
      this.#transforms,
      scripts,
    );
    const scriptOf = (name: string) => {
      const { imports } = scripts.find((script) => script.name === name)!;
      return {
        script: scriptsPath + name,
        imports: imports.map((each) => scriptsPath + each),
      };
    };
    const manifest: BuildManifest = {
      id,
      root,
      mode,
      runtime: scripts.length === 0 ? null : scriptOf(RUNTIME_NAME),
      islands: names.map((name) => ({ name, ...scriptOf(`${name}.js`) })),
      files: new Map(assets.map(({ urlPath, ...file }) => [urlPath, file])),
    };
    this.config.mode = mode;
    this.config.buildId = id;
    return { manifest, assets, routes, islands };
  }
}

function pathOf(pathOrUrl: string): string {
  return pathOrUrl.startsWith("file:") ? fileURLToPath(pathOrUrl) : pathOrUrl;
}

/** Loads the modules of a build in memory, so that a broken one is named here and now. */
async function applying({ manifest, routes, islands }: Product): Promise<(app: AnyApp) => void> {
  announceBuild(manifest);
  const files: FileRoute[] = [];
  for (const { id, path } of routes) {
    files.push({ id, module: await load(pathToFileURL(path).href, path) });
  }
  const modules: Record<string, unknown>[] = [];
  for (const specifier of islands) {
    modules.push(await load(specifier, specifier));
  }
  return (app) => applyBuild(app, manifest, files, modules);
}

async function load(specifier: string, name: string): Promise<Record<string, unknown>> {
  try {
    return await import(specifier);
  } catch (cause) {
    throw new Error(`${name} could not be loaded.`, { cause });
  }
}
