import { strict as assert } from "node:assert";
import { App, type PageProps } from "fresh";
import { asset, assetSrcSet, Head, IS_BROWSER } from "fresh/runtime";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { asking, hearErrors, textOf } from "./tree.ts";

// deno-lint-ignore no-explicit-any
function rendering(content: any) {
  return textOf(asking(new App().get("/", (ctx) => ctx.render(content)))("/"));
}

function Document({ Component }: PageProps) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>Wrenchline</title>
        <meta name="description" content="of the site" />
      </head>
      <body>
        <Component />
      </body>
    </html>
  );
}

Deno.test("render() completes what a document lacks", async () => {
  assert.equal(
    await rendering(<p>hi</p>),
    '<!DOCTYPE html><html><head><meta charset="utf-8"></head><body><p>hi</p></body></html>',
  );
  assert.equal(
    await rendering(null),
    '<!DOCTYPE html><html><head><meta charset="utf-8"></head><body></body></html>',
  );
  assert.equal(
    await rendering(
      <html lang="de">
        <body>x</body>
      </html>,
    ),
    '<!DOCTYPE html><html lang="de"><head><meta charset="utf-8"></head><body>x</body></html>',
  );
  assert.equal(
    await rendering(
      <html>
        <head />
        <body class="b">x</body>
      </html>,
    ),
    '<!DOCTYPE html><html><head></head><body class="b">x</body></html>',
  );
});

Deno.test("render() answers 200 as HTML, unless told otherwise", async () => {
  const ask = asking(
    new App().get("/", (ctx) => ctx.render(<p />)).get(
      "/odd",
      (ctx) => {
        const headers = { "x-a": "1", "content-type": "text/plain" };
        return ctx.render(<p />, { status: 416, headers });
      },
    ),
  );
  const plain = await ask("/");
  assert.equal(plain.status, 200);
  assert.equal(plain.headers.get("content-type"), "text/html; charset=utf-8");
  assert.equal(plain.headers.has("link"), false);
  const odd = await ask("/odd");
  assert.equal(odd.status, 416);
  assert.equal(odd.headers.get("x-a"), "1");
  assert.equal(odd.headers.get("content-type"), "text/html; charset=utf-8");
});

Deno.test("render() refuses what is not JSX", async () => {
  using errors = hearErrors();
  const ask = asking(
    // deno-lint-ignore no-explicit-any
    new App().get("/none", (ctx) => (ctx as any).render())
      // deno-lint-ignore no-explicit-any
      .get("/object", (ctx) => ctx.render({} as any)),
  );
  assert.equal((await ask("/none")).status, 500);
  assert.equal((await ask("/object")).status, 500);
  assert.match(String(errors.said[0]), /without anything to render/);
  assert.match(String(errors.said[1]), /takes JSX/);
});

Deno.test("a static page has no script and no preload", async () => {
  assert.doesNotMatch(await rendering(<p>hi</p>), /<script/);
});

Deno.test("a page goes into its layouts, inner to outer, and these into the app wrapper", async () => {
  const app = new App()
    .appWrapper(({ Component }) => (
      <main>
        <Component />
      </main>
    ))
    .layout("/", ({ Component }) => (
      <div>
        <Component />
      </div>
    ))
    .layout("/a", ({ Component }) => (
      <i>
        <Component />
      </i>
    ))
    .get("/a", (ctx) => ctx.render(<b />))
    .get("/b", (ctx) => ctx.render(<b />))
    .get(
      "/bare",
      (ctx) => ctx.render(<b />, undefined, { skipAppWrapper: true, skipInheritedLayouts: true }),
    );
  const ask = asking(app);
  assert.match(await textOf(ask("/a")), /<body><main><div><i><b><\/b><\/i><\/div><\/main><\/body>/);
  assert.match(await textOf(ask("/b")), /<body><main><div><b><\/b><\/div><\/main><\/body>/);
  assert.match(await textOf(ask("/bare")), /<body><b><\/b><\/body>/);
});

Deno.test("a layout may leave out the outer layouts and the app wrapper", async () => {
  const app = new App()
    .appWrapper(({ Component }) => (
      <main>
        <Component />
      </main>
    ))
    .layout("/", ({ Component }) => (
      <div>
        <Component />
      </div>
    ))
    .layout("/a", ({ Component }) => (
      <i>
        <Component />
      </i>
    ), { skipInheritedLayouts: true })
    .layout("/b", ({ Component }) => (
      <u>
        <Component />
      </u>
    ), { skipAppWrapper: true })
    .get("/a", (ctx) => ctx.render(<b />))
    .get("/b", (ctx) => ctx.render(<b />));
  const ask = asking(app);
  assert.match(await textOf(ask("/a")), /<body><main><i><b><\/b><\/i><\/main><\/body>/);
  assert.match(await textOf(ask("/b")), /<body><div><u><b><\/b><\/u><\/div><\/body>/);
});

Deno.test("pages, layouts and the app wrapper see the request, the state and the data", async () => {
  const say = ({ url, params, state, data, route }: PageProps<string, { a: string }>) =>
    `${url.pathname} ${params.id} ${state.a} ${data} ${route};`;
  const app = new App<{ a: string }>()
    .use((ctx) => {
      ctx.state.a = "state";
      return ctx.next();
    })
    .appWrapper((props) => (
      <>
        {say(props)}
        <props.Component />
      </>
    ))
    .layout("*", (props) => (
      <>
        {say(props)}
        <props.Component />
      </>
    ))
    .route("/:id", { handler: () => ({ data: "data" }), component: (props) => <>{say(props)}</> });
  const line = "/7 7 state data /:id;";
  assert.ok((await textOf(asking(app)("/7"))).includes(line + line + line));
});

Deno.test("async pages, layouts and app wrappers are waited for, and may answer themselves", async () => {
  const app = new App()
    .appWrapper(async ({ Component, url }) => {
      await Promise.resolve();
      if (url.search === "?app") return new Response("app");
      return (
        <main>
          <Component />
        </main>
      );
    })
    .layout("*", async ({ Component, url }) => {
      await Promise.resolve();
      if (url.search === "?layout") return new Response("layout");
      return (
        <div>
          <Component />
        </div>
      );
    })
    .route("/", {
      component: async ({ url }) => {
        await Promise.resolve();
        return url.search === "?page" ? new Response("page") : <p>waited</p>;
      },
    });
  const ask = asking(app);
  assert.match(await textOf(ask("/")), /<main><div><p>waited<\/p><\/div><\/main>/);
  for (const who of ["app", "layout", "page"]) {
    assert.equal(await textOf(ask(`/?${who}`)), who);
  }
});

Deno.test("<Head> in a page puts elements into the head, and replaces by key", async () => {
  const app = new App().appWrapper(Document).get("/", (ctx) =>
    ctx.render(
      <p>
        <Head>
          <title>Chat</title>
          <meta name="description" content="of the page" />
        </Head>
        <Head>
          <link rel="canonical" href="/a" />
          <link rel="canonical" href="/b" />
          <meta key="k" name="x" content="1" />
          <meta key="k" name="y" content="2" />
        </Head>
        hi
      </p>,
    ));
  const html = await textOf(asking(app)("/"));
  assert.equal(
    html.replace(/.*<head>|<\/head>.*/g, ""),
    '<meta charset="utf-8"/><title>Chat</title><meta name="description" content="of the page"/>' +
      '<link rel="canonical" href="/b"/><meta name="y" content="2"/>',
  );
  assert.match(html, /<body><p>hi<\/p><\/body>/);
});

Deno.test("<Head> works without an app wrapper, and leaves the body's titles alone", async () => {
  assert.match(
    await rendering(
      <p>
        <Head>
          <title>Chat</title>
        </Head>
      </p>,
    ),
    /<head><meta charset="utf-8"><title>Chat<\/title><\/head><body><p><\/p>/,
  );
  const app = new App().appWrapper(Document).get("/", (ctx) =>
    ctx.render(
      <p>
        <Head>
          <title>Chat</title>
        </Head>
        <svg>
          <title>Icon</title>
        </svg>
      </p>,
    ));
  assert.match(await textOf(asking(app)("/")), /<svg><title>Icon<\/title><\/svg>/);
});

Deno.test("what one request put into the head is not in the next", async () => {
  const app = new App().appWrapper(Document)
    .get("/a", (ctx) =>
      ctx.render(
        <Head>
          <title>A</title>
        </Head>,
      ))
    .get("/b", (ctx) => ctx.render(<p />));
  const ask = asking(app);
  await ask("/a");
  assert.match(await textOf(ask("/b")), /<title>Wrenchline<\/title>/);
});

Deno.test("a render that fails leaves nothing behind for the next", async () => {
  using _ = hearErrors();
  const static_ = (
    <body>
      <p>static</p>
    </body>
  );
  function Broken({ when }: { when: boolean }): null {
    if (when) throw new Error("broken");
    return null;
  }
  let broken = true;
  const ask = asking(
    new App().get("/", (ctx) =>
      ctx.render(
        <html>
          <head>
            <Broken when={broken} />
          </head>
          {static_}
        </html>,
      )),
  );
  assert.equal((await ask("/")).status, 500);
  broken = false;
  const first = await textOf(ask("/"));
  assert.equal(await textOf(ask("/")), first);
  assert.match(first, /<body><p>static<\/p><\/body><\/html>$/);
});

Deno.test("hooks and context work in pages", async () => {
  const Name = createContext("nobody");
  function Hello() {
    return <p>hello {useContext(Name)}</p>;
  }
  assert.match(
    await rendering(
      <Name.Provider value="Olive">
        <Hello />
      </Name.Provider>,
    ),
    /<p>hello Olive<\/p>/,
  );
});

Deno.test("asset() adds a key to this site's paths, once", () => {
  assert.match(asset("/a.png"), /^\/a\.png\?__frsh_c=\w+$/);
  assert.match(asset("/a.png?b=c#d"), /^\/a\.png\?b=c&__frsh_c=\w+#d$/);
  for (const path of ["a.png", "//cdn.test/a.png", "https://a.test/a.png", asset("/a.png")]) {
    assert.equal(asset(path), path);
  }
});

Deno.test("assetSrcSet() adds keys to each of a srcset's URLs", () => {
  const key = asset("/a").slice("/a".length);
  assert.equal(assetSrcSet("/a.png 1x, /b.png 2x"), `/a.png${key} 1x, /b.png${key} 2x`);
  assert.equal(assetSrcSet("/a.png"), `/a.png${key}`);
});

Deno.test("images are keyed by themselves, unless they opt out", async () => {
  const key = asset("/a").slice("/a".length).replace("?", "\\?");
  const html = await rendering(
    <p>
      <img src="/a.png" srcset="/a.png 1x, /b.png 2x" />
      <source src="/c.mp4" />
      <img src="/d.png" data-fresh-disable-lock />
      <a href="/e.png" />
    </p>,
  );
  assert.match(html, new RegExp(`src="/a.png${key}" srcset="/a.png${key} 1x, /b.png${key} 2x"`));
  assert.match(html, new RegExp(`src="/c.mp4${key}"`));
  assert.match(html, /src="\/d\.png"/);
  assert.match(html, /href="\/e\.png"/);
});

Deno.test("links to the page and to those above it are marked", async () => {
  const links = ["/", "/a", "/a/b", "/a/b/c", "/ab", "//a/b", "https://x.test/"];
  const app = new App().get("/a/b", (ctx) =>
    ctx.render(
      <p>
        {links.map((href) => <a key={href} href={href} />)}
        <a href="/a" aria-current="step" />
      </p>,
    ));
  const html = await textOf(asking(app)("/a/b"));
  assert.equal(
    /<p>(.*)<\/p>/.exec(html)![1].replaceAll("></a>", ">\n").trim(),
    [
      '<a href="/" data-ancestor="true" aria-current="true">',
      '<a href="/a" data-ancestor="true" aria-current="true">',
      '<a href="/a/b" data-current="true" aria-current="page">',
      '<a href="/a/b/c">',
      '<a href="/ab">',
      '<a href="//a/b">',
      '<a href="https://x.test/">',
      '<a href="/a" aria-current="step" data-ancestor="true">',
    ].join("\n"),
  );
});

Deno.test("IS_BROWSER is false on the server", () => {
  assert.equal(IS_BROWSER, false);
});
