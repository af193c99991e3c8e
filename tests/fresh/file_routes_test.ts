import { strict as assert } from "node:assert";
import { App } from "fresh";
import { Builder } from "fresh/dev";
import { type Ask, builtApp, makeTree, textOf } from "./tree.ts";

/** A page that says its pattern, its params and its layouts. */
const SAY = `export default ({ route, params }) =>
  <p>{route} {JSON.stringify(params)}</p>;`;

/** A layout that shows as an element. */
const layout = (element: string) =>
  `export default ({ Component }) => <${element}><Component /></${element}>;`;

/** A middleware that adds a word to the header "path". */
const step = (word: string) =>
  `export default async (ctx) => {
    const response = await ctx.next();
    response.headers.set("path", "${word} " + (response.headers.get("path") ?? ""));
    return response;
  };`;

async function bodyOf(ask: Ask, path: string, init?: RequestInit): Promise<string> {
  return /<body>(.*)<\/body>/s.exec(await textOf(ask(path, init)))![1].replaceAll("&quot;", '"');
}

Deno.test("a file's path is its pattern", async () => {
  await using tree = await makeTree({
    "routes/index.tsx": SAY,
    "routes/about.tsx": SAY,
    "routes/plans/index.tsx": SAY,
    "routes/plans/[id].tsx": SAY,
    "routes/plans/new.tsx": SAY,
    "routes/(shop)/cart.tsx": SAY,
    "routes/docs/[...path].tsx": SAY,
    "routes/v/[[version]]/notes.tsx": SAY,
    "routes/a-[x].tsx": SAY,
  });
  const ask = await builtApp(tree);
  assert.equal(await bodyOf(ask, "/"), "<p>/ {}</p>");
  assert.equal(await bodyOf(ask, "/about"), "<p>/about {}</p>");
  assert.equal(await bodyOf(ask, "/plans"), "<p>/plans {}</p>");
  assert.equal(await bodyOf(ask, "/plans/7"), '<p>/plans/:id {"id":"7"}</p>');
  assert.equal(await bodyOf(ask, "/plans/new"), "<p>/plans/new {}</p>");
  assert.equal(await bodyOf(ask, "/cart"), "<p>/cart {}</p>");
  assert.equal(await bodyOf(ask, "/docs/a/b"), '<p>/docs/:path* {"path":"a/b"}</p>');
  assert.equal(await bodyOf(ask, "/docs"), '<p>/docs/:path* {"path":""}</p>');
  assert.equal(await bodyOf(ask, "/v/notes"), '<p>/v{/:version}?/notes {"version":""}</p>');
  assert.equal(await bodyOf(ask, "/v/2/notes"), '<p>/v{/:version}?/notes {"version":"2"}</p>');
  assert.equal(await bodyOf(ask, "/a-1"), '<p>/a-:x {"x":"1"}</p>');
  assert.equal((await ask("/(shop)/cart")).status, 404);
});

Deno.test("more specific files go first, whatever their names", async () => {
  await using tree = await makeTree({
    "routes/[...all].tsx": SAY,
    "routes/[a]/[b].tsx": SAY,
    "routes/[a]/z.tsx": SAY,
    "routes/a/[b].tsx": SAY,
    "routes/[[only]].tsx": SAY,
  });
  const ask = await builtApp(tree);
  assert.match(await bodyOf(ask, "/a/z"), /^<p>\/a\/:b /);
  assert.match(await bodyOf(ask, "/x/z"), /^<p>\/:a\/z /);
  assert.match(await bodyOf(ask, "/x/y"), /^<p>\/:a\/:b /);
  assert.match(await bodyOf(ask, "/x"), /^<p>\{\/:only\}\? /);
  assert.match(await bodyOf(ask, "/"), /^<p>\{\/:only\}\? /);
  assert.match(await bodyOf(ask, "/x/y/z"), /^<p>\/:all\* /);
});

Deno.test("_app, _layout and _middleware wrap their folder and what is below", async () => {
  await using tree = await makeTree({
    "routes/_app.tsx": layout("main"),
    "routes/_layout.tsx": layout("div"),
    "routes/_middleware.ts": step("root"),
    "routes/sub/_layout.tsx": layout("i"),
    "routes/sub/_middleware.ts": step("sub"),
    "routes/index.tsx": SAY,
    "routes/sub/index.tsx": SAY,
    "routes/sub/deep/page.tsx": SAY,
  });
  const ask = await builtApp(tree);
  assert.equal(await bodyOf(ask, "/"), "<main><div><p>/ {}</p></div></main>");
  assert.equal(await bodyOf(ask, "/sub"), "<main><div><i><p>/sub {}</p></i></div></main>");
  assert.match(await bodyOf(ask, "/sub/deep/page"), /^<main><div><i><p>/);
  assert.equal((await ask("/")).headers.get("path"), "root");
  assert.equal((await ask("/sub/deep/page")).headers.get("path"), "root sub");
});

Deno.test("a folder is not around the file of the same name next to it", async () => {
  await using tree = await makeTree({
    "routes/sub/_layout.tsx": layout("i"),
    "routes/sub/_middleware.ts": step("folder"),
    "routes/sub/deep.tsx": SAY,
    "routes/sub.tsx": SAY,
  });
  const ask = await builtApp(tree, {
    prepare: (app) =>
      app.use("/sub", async (ctx) => {
        const response = await ctx.next();
        response.headers.set("registered", "yes");
        return response;
      }).fsRoutes(),
  });
  assert.match(await bodyOf(ask, "/sub"), /^<p>/);
  assert.match(await bodyOf(ask, "/sub/deep"), /^<i><p>/);
  const { headers } = await ask("/sub");
  assert.equal(headers.get("path"), null);
  assert.equal(headers.get("registered"), "yes"); // what is for a URL is for every file there
});

Deno.test("files of two groups may share a URL, each with its methods", async () => {
  await using tree = await makeTree({
    "routes/(a)/bar/index.ts": `export const handler = { POST: () => new Response("posted") };`,
    "routes/bar/index.ts": `export const handler = { GET: () => new Response("got") };`,
  });
  const ask = await builtApp(tree);
  assert.equal(await textOf(ask("/bar")), "got");
  assert.equal(await textOf(ask("/bar", { method: "POST" })), "posted");
});

Deno.test("a group shows in no URL and has its own layout and middleware", async () => {
  await using tree = await makeTree({
    "routes/(a)/_layout.tsx": layout("i"),
    "routes/(a)/_middleware.ts": step("a"),
    "routes/(a)/one.tsx": SAY,
    "routes/(b)/two.tsx": SAY,
    "routes/(a)/sub/three.tsx": SAY,
  });
  const ask = await builtApp(tree, {
    prepare: (app) =>
      app.use("/sub", async (ctx) => {
        const response = await ctx.next();
        response.headers.set("sub", "yes");
        return response;
      }).fsRoutes(),
  });
  assert.match(await bodyOf(ask, "/one"), /^<i>/);
  assert.match(await bodyOf(ask, "/two"), /^<p>/);
  assert.equal((await ask("/one")).headers.get("path"), "a");
  assert.equal((await ask("/two")).headers.get("path"), null);
  assert.equal((await ask("/sub/three")).headers.get("sub"), "yes");
});

Deno.test("handlers answer by method, with data for the page", async () => {
  await using tree = await makeTree({
    "routes/index.tsx": `import { page } from "fresh";
      export const handler = {
        GET: () => page({ said: "got" }, { headers: { "x-a": "1" } }),
        POST: async (ctx) => page({ said: await ctx.req.text() }, { status: 201 }),
      };
      export default ({ data }) => <p>{data.said}</p>;`,
    "routes/function.ts": `export const handlers = (ctx) => ctx.text(ctx.req.method);`,
    "routes/post_only.tsx": `export const handler = { POST: () => new Response("posted") };
      export default ({ data }) => <p>{JSON.stringify(data)}</p>;`,
    "routes/api.ts": `export const handler = { POST: () => new Response("posted") };`,
    "routes/component.tsx": `export default () => <p>any method</p>;`,
  });
  const ask = await builtApp(tree);
  assert.equal(await bodyOf(ask, "/"), "<p>got</p>");
  assert.equal((await ask("/")).headers.get("x-a"), "1");
  assert.equal(await bodyOf(ask, "/", { method: "POST", body: "hi" }), "<p>hi</p>");
  assert.equal(await textOf(ask("/function", { method: "PATCH" })), "PATCH");
  assert.equal(await bodyOf(ask, "/post_only"), "<p>{}</p>");
  assert.equal(await bodyOf(ask, "/component", { method: "PUT" }), "<p>any method</p>");

  const wrong = await ask("/api");
  assert.equal(wrong.status, 405);
  assert.equal(wrong.headers.get("allow"), "POST, OPTIONS");
  assert.equal((await ask("/api", { method: "OPTIONS" })).status, 204);
});

Deno.test("_error answers with the error's status, the nearest one first", async () => {
  await using tree = await makeTree({
    "routes/_error.tsx": `export default ({ error }) => <p>outer {error.message}</p>;`,
    "routes/sub/_error.tsx": `export default ({ error }) => <p>inner {error.message}</p>;`,
    "routes/fail.ts": `export const handler = () => { throw new Error("x"); };`,
    "routes/sub/fail.ts": `import { HttpError } from "fresh";
      export const handler = () => { throw new HttpError(403, "no"); };`,
  });
  const ask = await builtApp(tree);
  assert.equal((await ask("/fail")).status, 500);
  assert.equal(await bodyOf(ask, "/fail"), "<p>outer x</p>");
  assert.equal((await ask("/sub/fail")).status, 403);
  assert.equal(await bodyOf(ask, "/sub/fail"), "<p>inner no</p>");
  assert.equal((await ask("/nowhere")).status, 404);
  assert.equal(await bodyOf(ask, "/nowhere"), "<p>outer Not Found</p>");
});

Deno.test("_404 answers 404, in the app wrapper and the root's layout", async () => {
  await using tree = await makeTree({
    "routes/_app.tsx": layout("main"),
    "routes/_layout.tsx": layout("div"),
    "routes/_404.tsx": `export default () => <p>lost</p>;`,
    "routes/_500.tsx": `export default () => <p>broken</p>;`,
    "routes/fail.ts": `export const handler = () => { throw new Error("x"); };`,
  });
  const ask = await builtApp(tree);
  assert.equal((await ask("/nowhere")).status, 404);
  assert.equal(await bodyOf(ask, "/nowhere"), "<main><div><p>lost</p></div></main>");
  assert.equal(await bodyOf(ask, "/fail"), "<main><div><p>broken</p></div></main>");
});

Deno.test("config moves a route, limits its methods, and leaves wrappers out", async () => {
  await using tree = await makeTree({
    "routes/_app.tsx": layout("main"),
    "routes/_layout.tsx": layout("div"),
    "routes/moved.tsx": `export const config = { routeOverride: "/elsewhere/:x" };\n${SAY}`,
    "routes/bare.tsx":
      `export const config = { skipAppWrapper: true, skipInheritedLayouts: true };\n${SAY}`,
    "routes/get.tsx": `export const config = { methods: ["GET"] };\n${SAY}`,
    "routes/sub/_layout.tsx": `export const config = { skipInheritedLayouts: true };\n${
      layout("i")
    }`,
    "routes/sub/page.tsx": SAY,
  });
  const ask = await builtApp(tree);
  assert.match(await bodyOf(ask, "/elsewhere/1"), /<p>\/elsewhere\/:x \{"x":"1"\}/);
  assert.equal((await ask("/moved")).status, 404);
  assert.equal(await bodyOf(ask, "/bare"), "<p>/bare {}</p>");
  assert.equal((await ask("/get", { method: "PUT" })).status, 405);
  assert.equal(await bodyOf(ask, "/sub/page"), "<main><i><p>/sub/page {}</p></i></main>");
});

Deno.test("a middleware file may export a list, or as handler", async () => {
  await using tree = await makeTree({
    "routes/a/_middleware.ts": `const add = (word) => (ctx) => {
        ctx.state.words = [...ctx.state.words ?? [], word];
        return ctx.next();
      };
      export default [add("one"), add("two")];`,
    "routes/a/index.ts": `export const handler = (ctx) => ctx.json(ctx.state.words);`,
    "routes/b/_middleware.ts": `export const handler = () => new Response("caught");`,
    "routes/b/index.ts": `export const handler = () => new Response("never");`,
  });
  const ask = await builtApp(tree);
  assert.deepEqual(await (await ask("/a")).json(), ["one", "two"]);
  assert.equal(await textOf(ask("/b")), "caught");
});

Deno.test("handlers where there cannot be any are ignored, with a warning that names the file", async () => {
  await using tree = await makeTree({
    "routes/_layout.tsx": `export const handler = () => new Response("never");
      export default ({ Component }) => <main><Component /></main>;`,
    "routes/_middleware.ts": `export const handler = { GET: () => new Response("never") };`,
    "routes/index.tsx": SAY,
  });
  const { warn } = console;
  const said: string[] = [];
  console.warn = (words: string) => said.push(words);
  try {
    assert.match(await textOf((await builtApp(tree))("/")), /<main>/);
  } finally {
    console.warn = warn;
  }
  assert.deepEqual(said.map((words) => words.split(":")[0]), [
    "routes/_layout",
    "routes/_middleware",
  ]);
});

Deno.test("fsRoutes(path) puts the files under a path", async () => {
  await using tree = await makeTree({
    "routes/_layout.tsx": layout("i"),
    "routes/index.tsx": SAY,
    "routes/[id].tsx": SAY,
  });
  const ask = await builtApp(tree, {
    prepare: (app) => app.get("/", () => new Response("own")).fsRoutes("/files/*"),
  });
  assert.equal(await textOf(ask("/")), "own");
  assert.equal(await bodyOf(ask, "/files"), "<i><p>/files {}</p></i>");
  assert.equal(await bodyOf(ask, "/files/7"), '<i><p>/files/:id {"id":"7"}</p></i>');
});

Deno.test("files work under a base path", async () => {
  await using tree = await makeTree({ "routes/index.tsx": SAY, "routes/[id].tsx": SAY });
  const ask = await builtApp(tree, { config: { basePath: "/shop" } });
  assert.match(await bodyOf(ask, "/shop"), /^<p>/);
  assert.match(await bodyOf(ask, "/shop/7"), /"id":"7"/);
  assert.equal((await ask("/7")).status, 404);
});

Deno.test("tests, ignored files and folders in parentheses with _ are no routes", async () => {
  await using tree = await makeTree({
    "routes/index.tsx": SAY,
    "routes/index_test.tsx": "throw new Error('not to be loaded');",
    "routes/index.test.ts": "throw new Error('not to be loaded');",
    "routes/(_components)/Button.tsx": "throw new Error('not to be loaded');",
    "routes/draft.tsx": "throw new Error('not to be loaded');",
  });
  const ask = await builtApp(tree, { options: { ignore: [/draft\.tsx$/] } });
  assert.match(await bodyOf(ask, "/"), /^<p>/);
  assert.equal((await ask("/draft")).status, 404);
});

Deno.test("files that cannot be routes are named when the app is made", async () => {
  const failing = async (files: Record<string, string>, words: RegExp) => {
    await using tree = await makeTree(files);
    await assert.rejects(builtApp(tree), words);
  };
  await failing(
    { "routes/empty.ts": "export const x = 1;" },
    /routes\/empty has no relevant exports/,
  );
  await failing({ "routes/[a][b].tsx": SAY }, /routes\/\[a\]\[b\]: two placeholders/);
  await failing({ "routes/sub/_app.tsx": SAY }, /routes\/sub\/_app: there is one/);
  await failing({ "routes/twice.ts": SAY, "routes/twice.tsx": SAY }, /are the same route/);
  await failing({
    "routes/old.ts": `export const handler = { GET: (req, ctx) => new Response() };`,
  }, /routes\/old declares 2 parameters/);
  await failing({ "routes/broken.ts": "throw new Error('at import');" }, /broken\.ts could not be/);
});

Deno.test("an app without routes and islands builds", async () => {
  await using tree = await makeTree({});
  const apply = await new Builder({ root: tree.dir }).build({ snapshot: "memory" });
  const app = new App().fsRoutes();
  apply(app);
  assert.equal((await app.handler()(new Request("http://localhost/"))).status, 404);
});
