import type { App } from "./app.ts";
import { attachBuild, type BuildManifest, islandComponents } from "./build.ts";
import type { FileRoute } from "./file_routes.ts";

/** Gives an app what its build found, and makes the object that `deno serve` takes. */
export function serveBuild(
  // deno-lint-ignore no-explicit-any
  app: App<any> | undefined,
  manifest: BuildManifest,
  routes: FileRoute[],
  islands: Record<string, unknown>[],
): {
  fetch: (request: Request, info?: Deno.ServeHandlerInfo) => Promise<Response>;
} {
  if (app === undefined) {
    throw new Error("The server entry has to export the app as `app`.");
  }
  applyBuild(app, manifest, routes, islands);
  return { fetch: app.handler() };
}

/** Gives an app what its build found. */
export function applyBuild(
  // deno-lint-ignore no-explicit-any
  app: App<any>,
  manifest: BuildManifest,
  routes: FileRoute[],
  islands: Record<string, unknown>[],
): void {
  app.config.root = manifest.root;
  app.config.mode = manifest.mode;
  attachBuild(app, {
    ...manifest,
    routes,
    components: islandComponents(manifest.islands, islands),
  });
}
