import { App, type FreshConfig, staticFiles } from "fresh";
import { Builder, type BuildOptions } from "fresh/dev";
import { dirname, join } from "node:path";

/** A folder with files in it, gone at the end of the test. */
export interface Tree extends AsyncDisposable {
  dir: string;
  write(files: Record<string, string | Uint8Array>): Promise<void>;
}

/** Makes a folder from paths and contents. */
export async function makeTree(files: Record<string, string | Uint8Array>): Promise<Tree> {
  const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: "fresh_test_" }));
  async function write(files: Record<string, string | Uint8Array>) {
    for (const [path, content] of Object.entries(files)) {
      await Deno.mkdir(dirname(join(dir, path)), { recursive: true });
      if (typeof content === "string") await Deno.writeTextFile(join(dir, path), content);
      else await Deno.writeFile(join(dir, path), content);
    }
  }
  await write(files);
  return { dir, write, [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }) };
}

/** Asks an app for a path, or with a whole request. */
export interface Ask {
  (path: string, init?: RequestInit): Promise<Response>;
  handler: ReturnType<App<unknown>["handler"]>;
}

/** What answers as an app with these files, built in memory. */
export async function builtApp(
  tree: Tree,
  { config, options, prepare = (app) => app.use(staticFiles()).fsRoutes() }: {
    config?: FreshConfig;
    options?: BuildOptions;
    prepare?: (app: App<unknown>) => App<unknown>;
  } = {},
): Promise<Ask> {
  const apply = await new Builder({ root: tree.dir, ...options }).build({ snapshot: "memory" });
  const app = prepare(new App(config));
  apply(app);
  return asking(app);
}

/** What answers as an app. */
// deno-lint-ignore no-explicit-any
export function asking(app: App<any>): Ask {
  const handler = app.handler();
  const ask = (path: string, init?: RequestInit) =>
    handler(new Request(new URL(path, "http://localhost"), init));
  return Object.assign(ask, { handler });
}

/** Serves what answers on a port of its own, for browsers. */
export function serving({ handler }: Ask): AsyncDisposable & { url: string } {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, handler);
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** The text of an answer. */
export async function textOf(response: Response | Promise<Response>): Promise<string> {
  return await (await response).text();
}

/** Collects what is logged as errors, instead of printing it, until disposed of. */
export function hearErrors(): { said: unknown[]; [Symbol.dispose](): void } {
  const original = console.error;
  const said: unknown[] = [];
  console.error = (...words: unknown[]) => said.push(...words);
  return { said, [Symbol.dispose]: () => void (console.error = original) };
}
