/**
 * Fresh's settings and the Builder's. Run directly, it builds the app (`build`) or serves it for
 * development (`dev`); imported, as production does, it loads nothing of the Builder.
 */
import type { FreshConfig } from "fresh";

/** How the app behaves, in development and in production. */
export const config: FreshConfig = {
  // TLS ends at a proxy, which says under which name and scheme we were asked.
  trustProxy: true,
};

// Not awaited: main.ts imports this module, and would wait for it while it waits for main.ts.
if (import.meta.main) run(Deno.args[0]);

async function run(task: string): Promise<void> {
  switch (task) {
    case "build":
      await (await builder()).build({ mode: "production", snapshot: "disk" });
      break;
    case "dev":
      await (await builder()).listen(() => import("./main.ts"), {
        hostname: "127.0.0.1",
        port: Number(Deno.env.get("PORT") ?? 8000),
      });
      break;
    default:
      console.error("Usage: deno run -A fresh.config.ts build|dev");
      Deno.exit(2);
  }
}

/** The Builder with our settings: what `build`, `dev` and the tests use. */
export async function builder() {
  const { Builder } = await import("fresh/dev");
  const builder = new Builder({ root: import.meta.dirname, staticDir: "lib/static" });
  builder.onTransformStaticFile(
    { pluginName: "tailwind", filter: /\/styles\.css$/ },
    async ({ path, text, mode }) => ({
      content: await compileStyles(path, text, mode === "production"),
    }),
  );
  return builder;
}

/** Tailwind's stylesheet for the classes that our sources use; which sources, the stylesheet says. */
async function compileStyles(path: string, text: string, minify: boolean): Promise<string> {
  const { compile, optimize } = await import("@tailwindcss/node");
  const { Scanner } = await import("@tailwindcss/oxide");
  const { dirname } = await import("node:path");
  const compiler = await compile(text, {
    from: path,
    base: dirname(path),
    onDependency() {},
  });
  const classes = new Scanner({ sources: compiler.sources }).scan();
  return optimize(compiler.build(classes), { minify }).code;
}
