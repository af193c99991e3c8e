import { basename, extname, join, relative } from "node:path";

/** Files below a directory, sorted; none when it does not exist. */
export async function filesBelow(
  dir: string,
  isWanted: (path: string) => boolean,
): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const entry of Deno.readDir(dir)) {
      const path = join(dir, entry.name);
      const { isDirectory, isFile } = entry.isSymlink ? await Deno.stat(path) : entry;
      if (isDirectory) found.push(...await filesBelow(path, isWanted));
      else if (isFile && isWanted(path)) found.push(path);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return found.sort();
}

/** The route and island files of an app. */
export interface AppFiles {
  /** With its path below `routes/`, without extension. */
  routes: { id: string; path: string }[];
  islands: string[];
}

/** Finds the routes and islands of an app. */
export async function findAppFiles(
  routeDir: string,
  islandDir: string,
  ignore: RegExp[],
): Promise<AppFiles> {
  const isModule = (path: string) =>
    /\.[tj]sx?$/.test(path) && !path.endsWith(".d.ts") &&
    !/[._]test\.[tj]sx?$/.test(path) && !ignore.some((pattern) => pattern.test(path));

  const islands = await filesBelow(islandDir, isModule);
  const routes: AppFiles["routes"] = [];
  for (const path of await filesBelow(routeDir, isModule)) {
    const inside = relative(routeDir, path).replaceAll("\\", "/");
    const hidden = /(?:^|\/)\((_[^/)]*)\)\//.exec(inside)?.[1];
    if (hidden === "_islands") islands.push(path);
    else if (hidden === undefined) {
      routes.push({ path, id: inside.slice(0, -extname(inside).length) });
    }
  }
  refuseTwins(routes);
  return { routes, islands };
}

function refuseTwins(routes: AppFiles["routes"]): void {
  const byId = new Map<string, string>();
  for (const { id, path } of routes) {
    const twin = byId.get(id);
    if (twin !== undefined) {
      throw new Error(`${twin} and ${path} are the same route.`);
    }
    byId.set(id, path);
  }
}

/** A name for each island file that is fit for a URL, none of them twice. */
export function islandNames(specifiers: string[]): string[] {
  const taken = new Set<string>();
  return specifiers.map((specifier) => {
    const base = nameOf(specifier);
    let name = base;
    for (let number = 2; taken.has(name.toLowerCase()); number++) {
      name = `${base}_${number}`;
    }
    taken.add(name.toLowerCase());
    return name;
  });
}

function nameOf(specifier: string): string {
  const bare = specifier.replace(/^(npm|jsr):\/?/, "").replace(/(?<=.)@[^/]*/, "");
  const isFile = /\.[cm]?[tj]sx?$/.test(bare);
  const name = isFile
    ? basename(bare).replace(/\.[cm]?[tj]sx?$/, "")
    : bare.startsWith("@") && bare.split("/").length === 2
    ? bare.slice(1)
    : bare.split("/").at(-1)!;
  return name.replace(/[^\w$]+/g, "_").replace(/^\d+/, "") || "island";
}
