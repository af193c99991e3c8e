import { join, relative, resolve } from "node:path";
import { ASSET_KEY, SCRIPTS_PATH } from "../build.ts";
import type { Script } from "./bundle.ts";
import { filesBelow } from "./crawl.ts";
import { mediaType } from "./media_types.ts";
import type { SourceFile, Transforms, TransformSetting } from "./transforms.ts";

/** A file that will be served, with what is needed to do so. */
export interface Asset {
  /** Decoded URL path. */
  urlPath: string;
  content: Uint8Array;
  hash: string;
  contentType: string;
}

/** Everything the browser can fetch. */
export interface Assets {
  /** Hash over all of it. */
  id: string;
  /** URL path of the folder that the scripts are in. */
  scriptsPath: string;
  assets: Asset[];
}

/** Reads, transforms and hashes the static files, and adds the scripts. */
export async function collectAssets(
  options: TransformSetting & { staticDirs: string[]; outDir: string },
  transforms: Transforms,
  scripts: Script[],
): Promise<Assets> {
  const contents = new Map<string, Uint8Array>();
  for (const dir of options.staticDirs) {
    for (const file of await readStatic(dir, options, transforms)) {
      const urlPath = "/" +
        relative(dir, resolve(dir, file.path)).replaceAll("\\", "/");
      if (!contents.has(urlPath)) contents.set(urlPath, file.content);
    }
  }
  const scriptsHash = await hashOf(...scripts.flatMap(({ name, content }) => [name, content]));
  const scriptsPath = `${SCRIPTS_PATH}${scriptsHash}/`;
  for (const { name, content } of scripts) {
    contents.set(scriptsPath + name, content);
  }

  const sorted = [...contents].sort(([a], [b]) => a < b ? -1 : 1);
  const id = await hashOf(...sorted.flat());
  const hashes = new Map<string, string>();
  for (const [urlPath, content] of sorted) {
    hashes.set(urlPath, await hashOf(content));
  }

  const assets: Asset[] = [];
  for (const [urlPath, original] of sorted) {
    const content = urlPath.endsWith(".css") ? keyUrls(original, hashes, id) : original;
    const hash = content === original ? hashes.get(urlPath)! : await hashOf(content);
    assets.push({ urlPath, content, hash, contentType: mediaType(urlPath) });
  }
  return { id, scriptsPath, assets };
}

async function readStatic(
  dir: string,
  { outDir, mode, target, root }: TransformSetting & { outDir: string },
  transforms: Transforms,
): Promise<SourceFile[]> {
  const isPublished = (path: string) =>
    !path.startsWith(join(outDir, "/")) &&
    relative(dir, path).split(/[/\\]/).every((name) =>
      !name.startsWith(".") || name === ".well-known"
    );
  const files: SourceFile[] = [];
  for (const path of await filesBelow(dir, isPublished)) {
    const content = await Deno.readFile(path);
    files.push(...await transforms.run({ path, content }, { mode, target, root }));
  }
  return files;
}

/** Gives the URLs in a style sheet the keys of the files they mean. */
function keyUrls(content: Uint8Array, hashes: Map<string, string>, id: string): Uint8Array {
  const css = new TextDecoder().decode(content);
  const keyed = css.replace(
    /url\(\s*(?:"(\/(?!\/)[^"?#]*)"|'(\/(?!\/)[^'?#]*)'|(\/(?!\/)[^"'()\s?#]*))\s*\)/g,
    (_, double, single, bare) => {
      const path: string = double ?? single ?? bare;
      return `url("${path}?${ASSET_KEY}=${hashes.get(decodeURI(path)) ?? id}")`;
    },
  );
  return keyed === css ? content : new TextEncoder().encode(keyed);
}

/** A short hash, for URLs and ETags. */
export async function hashOf(...parts: (string | Uint8Array)[]): Promise<string> {
  const bytes = await new Blob(parts.flatMap((part) => [part as BlobPart, "\0"])).arrayBuffer();
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return Array.from(new Uint8Array(digest, 0, 10), (byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}
