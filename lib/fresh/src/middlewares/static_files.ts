import { ASSET_KEY, type Encoding, SCRIPTS_PATH, type StaticFile } from "../build.ts";
import { innerOf } from "../context.ts";
import type { MiddlewareFn } from "../handlers.ts";

/**
 * Serves the static files and the islands' scripts that the build found. Only
 * what is in the build can be reached. Register it before the routes.
 */
export function staticFiles<State>(): MiddlewareFn<State> {
  return async (ctx) => {
    const { build } = innerOf(ctx);
    const pathname = build === null ? null : pathOf(ctx.url.pathname, ctx.config.basePath);
    const file = pathname === null ? undefined : build!.files.get(pathname);
    if (file === undefined) {
      // Browsers ask for it unbidden; it is not worth an error page.
      return pathname === "/favicon.ico" ? new Response(null, { status: 404 }) : await ctx.next();
    }
    if (ctx.req.method !== "GET" && ctx.req.method !== "HEAD") {
      return new Response("Method Not Allowed", {
        status: 405,
        headers: { allow: "GET, HEAD" },
      });
    }

    const key = ctx.url.searchParams.get(ASSET_KEY);
    const isCurrent = key === file.hash || key === build!.id;
    if (key !== null && !isCurrent) {
      const bare = new URL(ctx.url);
      bare.searchParams.delete(ASSET_KEY);
      return new Response(null, {
        status: 307,
        headers: { location: bare.pathname + bare.search },
      });
    }
    const isForEver = ctx.config.mode === "production" &&
      (isCurrent || pathname!.startsWith(SCRIPTS_PATH));
    return await answer(ctx.req, file, isForEver, ctx.config.mode === "production");
  };
}

async function answer(
  req: Request,
  file: StaticFile,
  isForEver: boolean,
  mayBeCached: boolean,
): Promise<Response> {
  const headers = new Headers({
    "content-type": file.contentType,
    "vary": file.encoded === undefined ? "If-None-Match" : "Accept-Encoding, If-None-Match",
    "cache-control": isForEver
      ? "public, max-age=31536000, immutable"
      : "no-cache, no-store, max-age=0, must-revalidate",
  });
  if (mayBeCached) {
    headers.set("etag", `W/"${file.hash}"`);
    if (isKnown(req.headers.get("if-none-match"), file.hash)) {
      return new Response(null, { status: 304, headers });
    }
  }
  const encoding = encodingFor(req.headers.get("accept-encoding"), file);
  if (encoding !== null) headers.set("content-encoding", encoding);
  const source = encoding === null ? file.content : file.encoded![encoding]!;

  const held = typeof source === "string" ? smallFiles.get(source) : source;
  const size = held?.byteLength ?? (await Deno.stat(source as string)).size;
  headers.set("content-length", String(size));
  const body = req.method === "HEAD" ? null : held ?? await contentOf(source as string, size);
  return new Response(body as BodyInit | null, { headers });
}

function pathOf(pathname: string, basePath: string): string | null {
  if (basePath !== "" && pathname !== basePath && !pathname.startsWith(`${basePath}/`)) return null;
  try {
    return decodeURIComponent(pathname.slice(basePath.length));
  } catch {
    return null;
  }
}

function isKnown(header: string | null, hash: string): boolean {
  if (header === null) return false;
  return header.split(",").some((tag) =>
    [`W/"${hash}"`, `"${hash}"`, hash, "*"].includes(tag.trim())
  );
}

/** The best encoding that there is and that the client takes. */
function encodingFor(header: string | null, file: StaticFile): Encoding | null {
  if (header === null || file.encoded === undefined) return null;
  const accepted = new Set<string>();
  for (const part of header.split(",")) {
    const [name, ...parameters] = part.split(";").map((piece) => piece.trim().toLowerCase());
    if (!parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))) {
      accepted.add(name);
    }
  }
  for (const encoding of ["br", "gzip"] as const) {
    if (accepted.has(encoding) && file.encoded[encoding] !== undefined) {
      return encoding;
    }
  }
  return null;
}

const SMALL_BYTES = 256 * 1024;
const smallFiles = new Map<string, Uint8Array>();

/** Small files stay in memory: a build never changes. Others are streamed. */
async function contentOf(path: string, size: number): Promise<Uint8Array | ReadableStream> {
  if (size > SMALL_BYTES) return (await Deno.open(path)).readable;
  const content = await Deno.readFile(path);
  smallFiles.set(path, content);
  return content;
}
