/**
 * For the code a build generates, and for nobody else.
 *
 * @module
 */

export { announceBuild, type BuildManifest } from "./src/build.ts";
export { serveBuild } from "./src/serve_build.ts";
