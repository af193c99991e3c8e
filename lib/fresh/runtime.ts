/**
 * What pages and islands may use, on the server and in the browser alike.
 *
 * @module
 */

export { asset, assetSrcSet } from "./src/asset.ts";
export { HttpError } from "./src/error.ts";
export { Head, type HeadProps } from "./src/head.ts";
export { IS_BROWSER } from "./src/platform.ts";
