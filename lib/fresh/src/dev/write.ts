import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import type { BuildManifest, Encoding } from "../build.ts";
import type { Asset } from "./assets.ts";
import { toSpecifier } from "./bundle.ts";
import type { AppFiles } from "./crawl.ts";
import { isCompressible } from "./media_types.ts";

/** What a build writes to disk. */
export interface WrittenBuild {
  outDir: string;
  serverEntry: string;
  manifest: BuildManifest;
  assets: Asset[];
  routes: AppFiles["routes"];
  islands: string[];
}

/** Writes a build: the files to serve, plain and compressed, and the server that serves them. */
export async function writeBuild(build: WrittenBuild): Promise<void> {
  const { outDir, assets } = build;
  await Deno.remove(join(outDir, "static"), { recursive: true }).catch(ignoreMissing);
  await Deno.mkdir(join(outDir, "compressed"), { recursive: true });
  const encodings = new Map<string, Encoding[]>();
  await Promise.all(assets.map(async (asset) => {
    const path = join(outDir, "static", asset.urlPath);
    await Deno.mkdir(dirname(path), { recursive: true });
    await Deno.writeFile(path, asset.content);
    encodings.set(asset.urlPath, await compress(outDir, asset));
  }));
  await removeStale(outDir, assets);

  await Deno.writeTextFile(join(outDir, "snapshot.js"), snapshotCode(build, encodings));
  await Deno.writeTextFile(join(outDir, "server.js"), serverCode(build));
  await Deno.writeTextFile(join(outDir, "compiled-entry.js"), COMPILED_ENTRY);
}

const MIN_BYTES = 512;

/** Compresses a file, unless an earlier build did so already. */
async function compress(
  outDir: string,
  { content, contentType, hash }: Asset,
): Promise<Encoding[]> {
  if (content.byteLength < MIN_BYTES || !isCompressible(contentType)) return [];
  const made: Encoding[] = [];
  for (const encoding of ["br", "gzip"] as const) {
    const path = join(outDir, "compressed", `${hash}.${encoding}`);
    if (!(await exists(path))) {
      await Deno.writeFile(`${path}.part`, await compressors[encoding](content));
      await Deno.rename(`${path}.part`, path);
    }
    made.push(encoding);
  }
  return made;
}

const compressors: Record<
  Encoding,
  (content: Uint8Array) => Promise<Uint8Array>
> = {
  br: (content) =>
    promisify(brotliCompress)(content, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: content.byteLength > 1e6 ? 9 : 11,
        [constants.BROTLI_PARAM_SIZE_HINT]: content.byteLength,
      },
    }),
  gzip: (content) => promisify(gzip)(content, { level: 9 }),
};

async function removeStale(outDir: string, assets: Asset[]): Promise<void> {
  const current = new Set(assets.map(({ hash }) => hash));
  for await (const { name } of Deno.readDir(join(outDir, "compressed"))) {
    if (!current.has(name.split(".")[0])) {
      await Deno.remove(join(outDir, "compressed", name));
    }
  }
}

function snapshotCode(
  { outDir, manifest, assets }: WrittenBuild,
  encodings: Map<string, Encoding[]>,
): string {
  const files = assets.map(({ urlPath, hash, contentType }) =>
    [urlPath, hash, contentType, encodings.get(urlPath)!] as const
  );
  return `// Made by the build. Imported first, so that asset() knows the files.
import { fileURLToPath } from "node:url";
import { announceBuild } from ${
    quote(fromOutDir(outDir, import.meta.resolve("../../internal.ts")))
  };

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const files = new Map();
for (const [path, hash, contentType, encodings] of ${JSON.stringify(files, null, 1)}) {
  files.set(path, {
    hash,
    contentType,
    content: at("./static" + encodeURI(path).replaceAll("#", "%23").replaceAll("?", "%3F")),
    encoded: encodings.length === 0 ? undefined : Object.fromEntries(
      encodings.map((encoding) => [encoding, at("./compressed/" + hash + "." + encoding)]),
    ),
  });
}

export const manifest = {
  id: ${quote(manifest.id)},
  root: at(${quote(`./${relative(outDir, manifest.root).replaceAll("\\", "/")}`)}),
  mode: ${quote(manifest.mode)},
  runtime: ${JSON.stringify(manifest.runtime)},
  islands: ${JSON.stringify(manifest.islands)},
  files,
};
announceBuild(manifest);
`;
}

function serverCode({ outDir, serverEntry, routes, islands }: WrittenBuild): string {
  const imports = [
    `import { manifest } from "./snapshot.js";`,
    `import * as entry from ${quote(fromOutDir(outDir, serverEntry))};`,
    `import { serveBuild } from ${
      quote(fromOutDir(outDir, import.meta.resolve("../../internal.ts")))
    };`,
    ...routes.map(({ path }, at) =>
      `import * as route${at} from ${quote(fromOutDir(outDir, path))};`
    ),
    ...islands.map((path, at) =>
      `import * as island${at} from ${quote(fromOutDir(outDir, path))};`
    ),
  ];
  const listed = routes.map(({ id }, at) => `  { id: ${quote(id)}, module: route${at} },\n`);
  return `// Made by the build. Run it with: deno serve -A server.js
${imports.join("\n")}

export default serveBuild(entry.app, manifest, [
${listed.join("")}], [${islands.map((_, at) => `island${at}`).join(", ")}]);
`;
}

const COMPILED_ENTRY = `// Made by the build, for deno compile.
import server from "./server.js";

Deno.serve({
  port: Number(Deno.env.get("PORT") ?? 8000),
  hostname: Deno.env.get("HOSTNAME") ?? "0.0.0.0",
}, server.fetch);
`;

/** How a file is imported from the output folder; other specifiers stay. */
function fromOutDir(outDir: string, pathOrUrl: string): string {
  const specifier = toSpecifier(pathOrUrl, outDir);
  if (!specifier.startsWith("file:")) return specifier;
  const path = relative(outDir, fileURLToPath(specifier)).replaceAll("\\", "/");
  return path.startsWith(".") ? path : `./${path}`;
}

function quote(text: string): string {
  return JSON.stringify(text);
}

async function exists(path: string): Promise<boolean> {
  return (await Deno.stat(path).catch(ignoreMissing)) !== undefined;
}

function ignoreMissing(error: unknown): undefined {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
