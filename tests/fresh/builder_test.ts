import { strict as assert } from "node:assert";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { Builder, type BuildOptions } from "fresh/dev";
import { builtApp, makeTree, type Tree } from "./tree.ts";

const APP = {
  "main.ts": `import { App, staticFiles } from "fresh";
    export const app = new App().use(staticFiles()).fsRoutes();`,
  "routes/index.tsx": `import { asset } from "fresh/runtime";
    import Counter from "../islands/Counter.tsx";
    const outside = asset("/a.css");
    export default () => <p data-outside={outside}><Counter label={asset("/a.css")} /></p>;`,
  "islands/Counter.tsx": `export default function Counter({ label }) { return <b>{label}</b>; }`,
  "static/a.css": `body { color: red; }\n`.repeat(100),
  "static/b.png": new Uint8Array(1000),
};

/** An app in a folder elsewhere finds its imports as this repository does. */
const CONFIG = ["--config", join(import.meta.dirname!, "../../deno.json")];

async function builtOnDisk(tree: Tree, options?: BuildOptions): Promise<void> {
  await new Builder({ root: tree.dir, ...options }).build();
}

/** Runs a build the way it is documented, until the end of the test. */
async function denoServe(tree: Tree, ...args: string[]) {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["serve", "-A", ...CONFIG, "--host", "127.0.0.1", "--port", "0", ...args],
    cwd: tree.dir,
    env: { NO_COLOR: "1" },
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const said = process.stderr.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  let port: string | undefined;
  while (port === undefined) {
    const { value, done } = await said.read();
    if (done) throw new Error(`The server did not start.\n${text}`);
    text += value;
    port = /127\.0\.0\.1:(\d+)/.exec(text)?.[1];
  }
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      process.kill("SIGKILL");
      await said.cancel();
      await process.status;
    },
  };
}

Deno.test("a build on disk is served by deno serve, islands and static files included", async () => {
  await using tree = await makeTree(APP);
  await builtOnDisk(tree);
  await using server = await denoServe(tree, "_fresh/server.js");

  const page = await fetch(server.url);
  assert.equal(page.status, 200);
  const html = await page.text();
  const keyed = /<b>([^<]+)<\/b>/.exec(html)![1];
  assert.match(keyed, /^\/a\.css\?__frsh_c=/);
  assert.equal(/data-outside="([^"]+)"/.exec(html)![1], keyed); // also at module level
  const style = await fetch(server.url + keyed);
  assert.match(style.headers.get("cache-control")!, /immutable/);
  assert.match(await style.text(), /^body \{ color: red; \}/);
  const script = /from"([^"]+Counter\.js)"/.exec(html)![1];
  assert.match(await (await fetch(server.url + script)).text(), /createElement|jsx|\bb\b/);
});

Deno.test("deno serve --parallel serves a build, too", async () => {
  await using tree = await makeTree(APP);
  await builtOnDisk(tree);
  await using server = await denoServe(tree, "--parallel", "_fresh/server.js");
  const pages = await Promise.all(
    Array.from({ length: 8 }, async () => await (await fetch(server.url)).text()),
  );
  assert.equal(new Set(pages).size, 1);
});

Deno.test("files are served compressed to who takes that", async () => {
  await using tree = await makeTree(APP);
  await builtOnDisk(tree);
  await using server = await denoServe(tree, "_fresh/server.js");
  const raw = async (path: string, encodings: string) => {
    // fetch() decodes by itself, so this asks over a plain connection.
    const { hostname, port } = new URL(server.url);
    using connection = await Deno.connect({ hostname, port: Number(port) });
    await connection.write(new TextEncoder().encode(
      `GET ${path} HTTP/1.1\r\nhost: x\r\naccept-encoding: ${encodings}\r\nconnection: close\r\n\r\n`,
    ));
    const bytes = new Uint8Array(await new Response(connection.readable).arrayBuffer());
    const end = new TextDecoder("latin1").decode(bytes).indexOf("\r\n\r\n");
    return {
      head: new TextDecoder().decode(bytes.subarray(0, end)).toLowerCase(),
      body: bytes.subarray(end + 4),
    };
  };
  const text = APP["static/a.css"];
  const decoded = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

  const brotli = await raw("/a.css", "gzip, deflate, br");
  assert.match(brotli.head, /content-encoding: br/);
  assert.match(brotli.head, /vary: accept-encoding, if-none-match/);
  assert.equal(decoded(brotliDecompressSync(brotli.body)), text);

  const gzip = await raw("/a.css", "gzip, br;q=0");
  assert.match(gzip.head, /content-encoding: gzip/);
  assert.equal(decoded(gunzipSync(gzip.body)), text);

  const plain = await raw("/a.css", "identity");
  assert.doesNotMatch(plain.head, /content-encoding/);
  assert.equal(decoded(plain.body), text);
  assert.doesNotMatch((await raw("/b.png", "br")).head, /content-encoding/);
});

Deno.test("a second build gives the same, and leaves nothing stale", async () => {
  await using tree = await makeTree(APP);
  await builtOnDisk(tree);
  const read = async (dir: string): Promise<string[]> => {
    const found: string[] = [];
    for await (const entry of Deno.readDir(dir)) {
      const path = join(dir, entry.name);
      if (entry.isDirectory) found.push(...await read(path));
      else found.push(`${path} ${(await Deno.readFile(path)).toBase64()}`);
    }
    return found.sort();
  };
  const first = await read(join(tree.dir, "_fresh"));
  await builtOnDisk(tree);
  assert.deepEqual(await read(join(tree.dir, "_fresh")), first);

  await tree.write({ "static/a.css": "p {}" });
  await builtOnDisk(tree);
  const third = await read(join(tree.dir, "_fresh"));
  assert.equal(third.filter((file) => file.includes("/compressed/")).length < first.length, true);
  const paths = (files: string[]) => files.map((file) => file.split(" ")[0]);
  assert.deepEqual(
    paths(third).filter((path) => !paths(first).includes(path)),
    [],
    "p {} is too small to compress, so there is nothing new",
  );
});

Deno.test("the same sources have the same URLs, wherever and whenever they are built", async () => {
  const ids: string[] = [];
  for (let time = 0; time < 2; time++) {
    await using tree = await makeTree(APP);
    const builder = new Builder({ root: tree.dir });
    await builder.build({ snapshot: "memory" });
    ids.push(builder.config.buildId);
  }
  assert.equal(ids[0], ids[1]);
  assert.match(ids[0], /^\w{10,}$/);
});

Deno.test("nothing of the build is published but scripts and static files", async () => {
  await using tree = await makeTree(APP);
  const ask = await builtApp(tree);
  const html = await (await ask("/")).text();
  const folder = /\/_fresh\/js\/\w+\//.exec(html)![0];
  for (
    const path of ["/_fresh/js/metafile.json", `${folder}metafile.json`, "/server.js", "/main.ts"]
  ) {
    assert.equal((await ask(path)).status, 404, path);
  }
});

Deno.test("transforms run in order on the files they are for", async () => {
  await using tree = await makeTree({ ...APP, "static/sub/c.css": "c" });
  const builder = new Builder({ root: tree.dir });
  const seen: string[] = [];
  builder.onTransformStaticFile(
    { pluginName: "A", filter: /\.css$/, exclude: ["**/sub/*"] },
    ({ path, text, mode, root }) => {
      seen.push(`A ${path.slice(root.length)} ${mode}`);
      return { content: text.slice(0, 4).toUpperCase() };
    },
  );
  builder.onTransformStaticFile({ pluginName: "B", filter: /a\.css$/ }, ({ path, content }) => {
    seen.push("B");
    return [
      { path, content },
      { path: path.replace("a.css", "made.txt"), content: "made" },
    ];
  });
  builder.onTransformStaticFile({ pluginName: "C", filter: /a\.css$/ }, () => void seen.push("C"));
  await builder.build();
  assert.deepEqual(seen, ["A /static/a.css production", "B", "C"]);
  const read = (name: string) => Deno.readTextFile(join(tree.dir, "_fresh/static", name));
  assert.equal(await read("a.css"), "BODY");
  assert.equal(await read("made.txt"), "made");
  assert.equal(await read("sub/c.css"), "c");
});

Deno.test("a transform that fails is named, with the file", async () => {
  await using tree = await makeTree(APP);
  const builder = new Builder({ root: tree.dir });
  builder.onTransformStaticFile({ pluginName: "tailwind", filter: /\.css$/ }, () => {
    throw new Error("no such class");
  });
  await assert.rejects(builder.build({ snapshot: "memory" }), /tailwind failed on .*a\.css/);
});

Deno.test("registerIsland() takes a path, a file URL or a package", async () => {
  await using tree = await makeTree({
    "other/One.tsx": `export default function One() { return <b>one</b>; }`,
    "other/Two.tsx": `export default function Two() { return <b>two</b>; }`,
    "routes/index.tsx": `import One from "../other/One.tsx"; import Two from "../other/Two.tsx";
      export default () => <p><One /><Two /></p>;`,
  });
  const { App } = await import("fresh");
  const builder = new Builder({ root: tree.dir });
  builder.registerIsland("./other/One.tsx");
  builder.registerIsland(`file://${tree.dir}/other/Two.tsx`);
  const apply = await builder.build({ snapshot: "memory" });
  const app = new App().fsRoutes();
  apply(app);
  const html = await (await app.handler()(new Request("http://localhost/"))).text();
  assert.match(html, /One\.js.*Two\.js/);
});

Deno.test("other folders and another entry can be used", async () => {
  await using tree = await makeTree({
    "server.ts": APP["main.ts"],
    "pages/index.ts": `export const handler = () => new Response("page");`,
    "public/a.txt": "static",
  });
  await builtOnDisk(tree, {
    outDir: "out",
    routeDir: "pages",
    staticDir: pathToFileURL(join(tree.dir, "public")).href,
    serverEntry: "server.ts",
  });
  await using server = await denoServe(tree, "out/server.js");
  assert.equal(await (await fetch(server.url)).text(), "page");
  assert.equal(await (await fetch(`${server.url}/a.txt`)).text(), "static");
});

Deno.test("an entry without an app is named when the server starts", async () => {
  await using tree = await makeTree({ "main.ts": "export const other = 1;" });
  await builtOnDisk(tree);
  await assert.rejects(denoServe(tree, "_fresh/server.js"), /has to export the app as `app`/);
});

Deno.test("a route that cannot be loaded keeps a built server from starting", async () => {
  await using tree = await makeTree({ ...APP, "routes/bad.ts": `throw new Error("at import");` });
  await builtOnDisk(tree);
  await assert.rejects(denoServe(tree, "_fresh/server.js"), /at import[^]*routes\/bad\.ts/);
});

Deno.test("production loads nothing of the Builder", async () => {
  await using tree = await makeTree(APP);
  await builtOnDisk(tree);
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", ...CONFIG, "_fresh/server.js"],
    cwd: tree.dir,
  }).output();
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as {
    modules: { specifier: string }[];
  };
  assert.ok(modules.some(({ specifier }) => specifier.endsWith("lib/fresh/mod.ts")));
  assert.deepEqual(modules.filter(({ specifier }) => specifier.includes("lib/fresh/src/dev/")), []);
});
