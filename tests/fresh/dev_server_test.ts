/** The development server, as `deno run --watch` runs it. */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { App } from "fresh";
import { Builder } from "fresh/dev";
import { openBrowser } from "../support/browser.ts";
import { hearErrors, makeTree } from "./tree.ts";

const page = (word: string) => `export default () => <h1>${word}</h1>;`;

async function freePort(): Promise<number> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  return await Promise.resolve(port);
}

Deno.test("a page reloads by itself when a route has changed", async () => {
  const root = join(import.meta.dirname!, "../..");
  const port = await freePort();
  await using tree = await makeTree({
    "main.ts": `import { App, staticFiles } from "fresh";
      export const app = new App().use(staticFiles()).fsRoutes();`,
    "dev.ts": `import { Builder } from "fresh/dev";
      await new Builder({ root: ${"import.meta.dirname"} }).listen(() => import("./main.ts"), {
        hostname: "127.0.0.1", port: ${port}, onListen: () => console.log("listening"),
      });`,
    "routes/index.tsx": page("first"),
    "static/favicon.ico": "",
  });
  const process = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--config",
      join(root, "deno.json"),
      `--watch=${join(tree.dir, "routes")}`,
      join(tree.dir, "dev.ts"),
    ],
    cwd: tree.dir,
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const output = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  try {
    let said = "";
    while (!said.includes("listening")) {
      const { value, done } = await output.read();
      assert.equal(done, false, "the server ended");
      said += value;
    }
    await using browser = await openBrowser();
    await using visit = await browser.visit({ expects: [/WebSocket|ERR_CONNECTION/] });
    const knowsItsServer = new Promise((resolve) =>
      visit.page.once("websocket", (socket) => socket.once("framereceived", resolve))
    );
    await visit.page.goto(`http://127.0.0.1:${port}/`);
    await visit.page.getByRole("heading", { name: "first" }).waitFor();
    await knowsItsServer;
    await tree.write({ "routes/index.tsx": page("second") });
    await visit.page.getByRole("heading", { name: "second" }).waitFor();
  } finally {
    process.kill("SIGKILL");
    await output.cancel();
    await process.status;
  }
});

Deno.test("the server for development serves routes, and static files without caching", async () => {
  await using tree = await makeTree({
    "routes/index.tsx": page("hello"),
    "static/a.txt": "text",
  });
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<number>();
  const { staticFiles } = await import("fresh");
  const app = new App({ basePath: "/shop" }).use(staticFiles()).fsRoutes();
  await new Builder({ root: tree.dir }).listen(() => Promise.resolve(app), {
    hostname: "127.0.0.1",
    port: 0,
    signal: controller.signal,
    onListen: ({ port }) => resolve(port),
  });
  const origin = `http://127.0.0.1:${await promise}`;
  const html = await (await fetch(`${origin}/shop`)).text();
  assert.match(html, /<h1>hello<\/h1><script type="module">[^<]*WebSocket/);
  const file = await fetch(`${origin}/shop/a.txt`);
  assert.equal(await file.text(), "text");
  assert.equal(
    file.headers.get("cache-control"),
    "no-cache, no-store, max-age=0, must-revalidate",
  );
  assert.equal(file.headers.has("etag"), false);
  assert.equal(app.config.mode, "development");
  controller.abort();
});

Deno.test("an app that does not start is shown as a page that waits for the next try", async () => {
  using errors = hearErrors();
  await using tree = await makeTree({ "routes/bad.ts": `throw new Error("a <typo>");` });
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<number>();
  await new Builder({ root: tree.dir }).listen(() => Promise.resolve(new App().fsRoutes()), {
    hostname: "127.0.0.1",
    port: 0,
    signal: controller.signal,
    onListen: ({ port }) => resolve(port),
  });
  const response = await fetch(`http://127.0.0.1:${await promise}/`);
  assert.equal(response.status, 500);
  const html = await response.text();
  assert.match(html, /routes\/bad\.ts could not be loaded/);
  assert.match(html, /a &lt;typo&gt;/);
  assert.match(html, /WebSocket/);
  assert.match(String(errors.said[0]), /bad\.ts/);
  controller.abort();
});
