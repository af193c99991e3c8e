import { announcedBuild, ASSET_KEY, keyIn } from "./build.ts";

/** How the key of a path is found; replaced while rendering and in the browser. */
let keyOf: (path: string) => string = (path) => {
  const build = announcedBuild();
  return build === null ? (processKey ??= newKey()) : keyIn(build, path);
};

/** Stands in for a build's id where there is none, as in a test without a Builder. */
let processKey: string | null = null;

function newKey(): string {
  return crypto.randomUUID().replaceAll("-", "");
}

/** Replaces how keys are found, and returns the way it was. */
export function useAssetKeys(find: typeof keyOf): typeof keyOf {
  const previous = keyOf;
  keyOf = find;
  return previous;
}

/**
 * The URL of a static file with the key of its content, which the browser may
 * keep for ever. Other origins' URLs come back as they are.
 */
export function asset(path: string): string {
  if (!path.startsWith("/") || path.startsWith("//") || path.includes(ASSET_KEY)) return path;
  const [, pathname, query, hash] = /^([^?#]*)(\?[^#]*)?(#.*)?$/s.exec(path)!;
  const key = keyOf(pathname);
  if (key === "") return path;
  return `${pathname}${query ? `${query}&` : "?"}${ASSET_KEY}=${key}${hash ?? ""}`;
}

/** {@linkcode asset} for each URL of a `srcset`. */
export function assetSrcSet(srcset: string): string {
  if (srcset.includes("(")) return srcset; // a data: URL or the like: not ours to split
  const candidates = srcset.split(",").map((candidate) => {
    const [, before, url, rest] = /^(\s*)(\S*)(.*)$/s.exec(candidate)!;
    return before + asset(url) + rest;
  });
  return candidates.join(",");
}

/** Keys the `src` and `srcset` of an element's props, in place, unless it opts out. */
export function keyElement(props: Record<string, unknown>): void {
  if (props["data-fresh-disable-lock"]) return;
  if (typeof props.src === "string") props.src = asset(props.src);
  for (const name of ["srcset", "srcSet"]) {
    if (typeof props[name] === "string") props[name] = assetSrcSet(props[name]);
  }
}
