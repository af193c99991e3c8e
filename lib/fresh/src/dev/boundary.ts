import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { findConfig } from "./config_file.ts";
import type { Script } from "./bundle.ts";

interface GraphModule {
  specifier: string;
  local?: string;
  dependencies?: { specifier: string; code?: { specifier?: string } }[];
}

/**
 * Fails when an island reaches code for the server, which would be sent to
 * everyone and not work there: a `node:` module, a file in a `server` folder,
 * or one that uses `Deno` without asking where it runs.
 */
export async function checkBoundary(
  root: string,
  islands: { name: string; specifier: string }[],
  scripts: Script[],
): Promise<void> {
  for (const { name, specifier } of islands) {
    const chain = await chainToServer(root, specifier, needsNode(name, scripts));
    if (chain !== null) {
      throw new Error(
        `The island ${name} imports code for the server:\n  ${chain.join("\n  imports ")}`,
      );
    }
  }
}

/** Whether an island's bundled code asks for Node's modules. */
function needsNode(name: string, scripts: Script[]): boolean {
  const own = scripts.find((script) => script.name === `${name}.js`);
  const names = new Set([own?.name, ...own?.imports ?? []]);
  return scripts.some((script) =>
    names.has(script.name) &&
    /["']node:\w+/.test(new TextDecoder().decode(script.content))
  );
}

/** The imports that lead from an island to code for the server; null when none do. */
async function chainToServer(
  root: string,
  specifier: string,
  packagesToo: boolean,
): Promise<string[] | null> {
  const modules = await graphOf(root, specifier);
  const here = fileURLToPath(new URL("../..", import.meta.url));
  const seen = new Set<string>();

  async function visit(at: string): Promise<string[] | null> {
    if (seen.has(at)) return null;
    seen.add(at);
    if (at.startsWith("node:")) return [at];
    if (at.startsWith("npm:")) {
      return packagesToo && !/preact/.test(at) ? [at] : null;
    }
    const module = modules.get(at);
    if (module?.local?.startsWith(here)) return null;
    if (module !== undefined && await isForServer(root, module)) {
      return [shown(root, at)];
    }
    for (const { code } of module?.dependencies ?? []) {
      const chain = code?.specifier === undefined ? null : await visit(code.specifier);
      if (chain !== null) return [shown(root, at), ...chain];
    }
    return null;
  }

  return await visit(specifier);
}

async function isForServer(root: string, { specifier, local }: GraphModule): Promise<boolean> {
  if (!specifier.startsWith("file:") || local === undefined) return false;
  if (/(^|[/\\])server[/\\]/.test(relative(root, local))) return true;
  const code = (await Deno.readTextFile(local))
    .replace(/\/\*[^]*?\*\/|\/\/.*/g, "")
    .replace(/\bDeno\.env\.get\(\s*["'`]FRESH_PUBLIC_/g, ""); // inlined by the bundler
  return /\bDeno\.\w/.test(code) && !/\bIS_BROWSER\b|\btypeof (Deno|document|window)\b/.test(code);
}

function shown(root: string, specifier: string): string {
  return specifier.startsWith("file:") ? relative(root, fileURLToPath(specifier)) : specifier;
}

async function graphOf(root: string, specifier: string): Promise<Map<string, GraphModule>> {
  const config = await findConfig(root);
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "info",
      "--json",
      ...(config === null ? [] : ["--config", config]),
      specifier,
    ],
    cwd: root,
    env: { NO_COLOR: "1" },
    stderr: "null",
  }).output();
  if (!success) return new Map();
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as {
    modules: GraphModule[];
  };
  return new Map(modules.map((module) => [module.specifier, module]));
}
