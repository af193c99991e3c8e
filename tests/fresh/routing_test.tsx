import { strict as assert } from "node:assert";
import { App, HttpError, page } from "fresh";
import { asking, hearErrors, textOf } from "./tree.ts";

Deno.test("get(), post() and the rest answer their own method only", async () => {
  const app = new App();
  for (const method of ["get", "post", "put", "patch", "delete"] as const) {
    app[method]("/thing", (ctx) => ctx.text(method));
  }
  const ask = asking(app);
  for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"]) {
    assert.equal(await textOf(ask("/thing", { method })), method.toLowerCase());
  }
});

Deno.test("a method in small letters is the same method", async () => {
  const app = new App().patch("/exact", (ctx) => ctx.text("patched"))
    .patch("/a/:id", (ctx) => ctx.text(ctx.params.id))
    .route("/lazy", () => Promise.resolve({ handler: { PATCH: () => new Response("loaded") } }));
  const ask = asking(app);
  const patch = (path: string) => textOf(ask(path, { method: "patch" }));
  assert.deepEqual(await Promise.all(["/exact", "/a/1", "/lazy"].map(patch)), [
    "patched",
    "1",
    "loaded",
  ]);
});

Deno.test("all() answers every method", async () => {
  const ask = asking(new App().all("/thing", (ctx) => ctx.text(ctx.req.method)));
  for (const method of ["GET", "DELETE", "OPTIONS"]) {
    assert.equal(await textOf(ask("/thing", { method })), method);
  }
});

Deno.test("several handlers of a path form a chain", async () => {
  const ask = asking(
    new App<{ said: string }>().get("/", (ctx) => {
      ctx.state.said = "first";
      return ctx.next();
    }, (ctx) => ctx.text(`${ctx.state.said}, second`)),
  );
  assert.equal(await textOf(ask("/")), "first, second");
});

Deno.test("the first registration for a pattern and method stays", async () => {
  const ask = asking(
    new App().get("/", () => new Response("first")).get("/", () => new Response("second")),
  );
  assert.equal(await textOf(ask("/")), "first");
});

Deno.test("an exact path goes before a pattern, and patterns go in order", async () => {
  const app = new App()
    .get("/plans/:id", (ctx) => ctx.text(`plan ${ctx.params.id}`))
    .get("/plans/:name", () => new Response("never"))
    .get("/plans/new", () => new Response("new"));
  const ask = asking(app);
  assert.equal(await textOf(ask("/plans/new")), "new");
  assert.equal(await textOf(ask("/plans/chat10")), "plan chat10");
});

Deno.test("patterns are those of URLPattern", async () => {
  const say = (ctx: { params: Record<string, string> }) =>
    Response.json(Object.entries(ctx.params).sort());
  const ask = asking(
    new App().get("/a/:rest*", say).get("/b{/:v}?", say).get("/c/:x-:y", say)
      .get("/d/:n(\\d+)", say).get("/e/*", say),
  );
  assert.deepEqual(await (await ask("/a/1/2")).json(), [["rest", "1/2"]]);
  assert.deepEqual(await (await ask("/a")).json(), [["rest", ""]]);
  assert.deepEqual(await (await ask("/b")).json(), [["v", ""]]);
  assert.deepEqual(await (await ask("/b/1")).json(), [["v", "1"]]);
  assert.deepEqual(await (await ask("/c/1-2")).json(), [["x", "1"], ["y", "2"]]);
  assert.deepEqual(await (await ask("/d/12")).json(), [["n", "12"]]);
  assert.equal((await ask("/d/twelve")).status, 404);
  assert.deepEqual(await (await ask("/e/1/2")).json(), [["0", "1/2"]]);
});

Deno.test("params are decoded, except for what would change their structure", async () => {
  const ask = asking(new App().get("/say/:words", (ctx) => ctx.text(ctx.params.words)));
  assert.equal(await textOf(ask("/say/gr%C3%BC%C3%9F%20dich")), "grüß dich");
  assert.equal(await textOf(ask("/say/a%2Fb")), "a%2Fb");
  assert.equal(await textOf(ask("/say/%E0%A4%A")), "%E0%A4%A");
});

Deno.test("params have no prototype", async () => {
  const ask = asking(
    new App().get("/:a", (ctx) => Response.json(Object.getPrototypeOf(ctx.params) === null)),
  );
  assert.equal(await (await ask("/x")).json(), true);
});

Deno.test("an exact path also answers with a slash more or less", async () => {
  const ask = asking(
    new App().get("/one", () => new Response("one")).get("/two/", () => new Response("two")),
  );
  assert.equal(await textOf(ask("/one/")), "one");
  assert.equal(await textOf(ask("/two")), "two");
});

Deno.test("repeated slashes in a path are one", async () => {
  const ask = asking(new App().get("/a/b", (ctx) => ctx.text(ctx.url.pathname)));
  assert.equal(await textOf(ask("http://localhost//a///b")), "/a/b");
});

Deno.test("paths beyond ASCII match as they are written", async () => {
  const ask = asking(new App().get("/größe", () => new Response("fits")));
  assert.equal(await textOf(ask("/größe")), "fits");
});

Deno.test("dots in a path are resolved before it is matched", async () => {
  const handler = new App().get("/b", (ctx) => ctx.text(ctx.url.pathname)).handler();
  assert.equal(await textOf(handler(new Request("http://localhost/a/../b"))), "/b");
});

Deno.test("HEAD is answered by GET without the body", async () => {
  const ask = asking(new App().get("/", () => new Response("body", { headers: { "x-a": "1" } })));
  const response = await ask("/", { method: "HEAD" });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("x-a"), "1");
  assert.equal(await response.text(), "");
});

Deno.test("head() goes before get()", async () => {
  const app = new App().get("/", () => new Response("get"))
    .head("/", () => new Response(null, { status: 204 }));
  assert.equal((await asking(app)("/", { method: "HEAD" })).status, 204);
});

Deno.test("a method that a path does not have is 405 and told which it has", async () => {
  const ask = asking(new App().get("/", () => new Response("ok")).post("/", () => new Response()));
  const response = await ask("/", { method: "PUT" });
  assert.equal(response.status, 405);
  assert.equal(response.headers.get("allow"), "GET, POST, HEAD, OPTIONS");
  assert.equal(await response.text(), "Method Not Allowed");
  assert.equal(await textOf(ask("/")), "ok");
});

Deno.test("OPTIONS tells the methods of a path", async () => {
  const response = await asking(new App().post("/", () => new Response()))("/", {
    method: "OPTIONS",
  });
  assert.equal(response.status, 204);
  assert.equal(response.headers.get("allow"), "POST, OPTIONS");
});

Deno.test("the first pattern that matches decides, also when it lacks the method", async () => {
  const ask = asking(
    new App().get("/exact", () => new Response("exact")).get("/:a", () => new Response("get"))
      .all("/*", () => new Response("all")),
  );
  assert.equal(await textOf(ask("/x")), "get");
  assert.equal((await ask("/x", { method: "POST" })).status, 405);
  assert.equal((await ask("/exact", { method: "POST" })).status, 405);
  assert.equal(await textOf(ask("/x/y", { method: "POST" })), "all");
});

Deno.test("ctx.route is the pattern that matched, and null when none did", async () => {
  const routes: (string | null)[] = [];
  const ask = asking(
    new App().use((ctx) => {
      routes.push(ctx.route);
      return ctx.next();
    }).get("/a/:id", () => new Response()),
  );
  await ask("/a/1");
  await ask("/nowhere");
  assert.deepEqual(routes, ["/a/:id", null]);
});

Deno.test("ctx.isPartial says whether client navigation asks", async () => {
  const ask = asking(new App().get("/", (ctx) => ctx.json(ctx.isPartial)));
  assert.equal(await textOf(ask("/?a=fresh-partial")), "false");
  assert.equal(await textOf(ask("/?a=1&fresh-partial=true")), "true");
});

Deno.test("a base path is in front of everything", async () => {
  const ask = asking(
    new App({ basePath: "/shop" }).get("/", () => new Response("root"))
      .get("/:id", (ctx) => ctx.text(ctx.params.id)),
  );
  assert.equal(await textOf(ask("/shop")), "root");
  assert.equal(await textOf(ask("/shop/7")), "7");
  assert.equal((await ask("/7")).status, 404);
});

Deno.test("a base path that would match nothing is refused", () => {
  for (const basePath of ["", "/", "./", "/shop", "/a/b-c.d"]) new App({ basePath });
  for (const basePath of ["shop", "/shop/", "/a b", "/a@b"]) {
    assert.throws(() => new App({ basePath }), /Invalid basePath/);
  }
});

Deno.test("trustProxy believes the proxy about scheme and host, and only then", async () => {
  const headers = { "x-forwarded-proto": "https, http", "x-forwarded-host": "wrenchline.test" };
  const say = (config: { trustProxy: boolean }) =>
    textOf(
      asking(new App(config).get("/a", (ctx) => ctx.text(ctx.url.href)))("/a?b=c", { headers }),
    );
  assert.equal(await say({ trustProxy: true }), "https://wrenchline.test/a?b=c");
  assert.equal(await say({ trustProxy: false }), "http://localhost/a?b=c");
});

Deno.test("trustProxy does not take another scheme than http for one", async () => {
  const ask = asking(new App({ trustProxy: true }).get("/", (ctx) => ctx.text(ctx.url.protocol)));
  const headers = { "x-forwarded-proto": "javascript" };
  assert.equal(await textOf(ask("/", { headers })), "http:");
});

Deno.test("redirect() answers 302 unless told otherwise, and stays on the site", async () => {
  const ask = asking(
    new App().get("/", (ctx) => {
      const status = ctx.url.searchParams.get("status");
      const to = ctx.url.searchParams.get("to")!;
      return status ? ctx.redirect(to, Number(status)) : ctx.redirect(to);
    }),
  );
  const where = async (to: string) =>
    (await ask(`/?to=${encodeURIComponent(to)}`)).headers.get("location");

  assert.equal((await ask("/?to=/a")).status, 302);
  assert.equal((await ask("/?to=/a&status=303")).status, 303);
  assert.equal(await where("/a//b?c=//d#//e"), "/a/b?c=//d#//e");
  assert.equal(await where("https://stripe.test//x"), "https://stripe.test//x");
  for (const evil of ["//evil.test", "/\\evil.test", "\\\\evil.test", "/\t/evil.test"]) {
    assert.equal(await where(evil), "/evil.test");
  }
});

Deno.test("text(), html() and json() set their type", async () => {
  const ask = asking(
    new App().get("/text", (ctx) => ctx.text("a", { status: 201 }))
      .get("/html", (ctx) => ctx.html("<p>", { headers: { "content-type": "text/plain" } }))
      .get("/json", (ctx) => ctx.json({ a: 1 })),
  );
  const text = await ask("/text");
  assert.equal(text.status, 201);
  assert.match(text.headers.get("content-type")!, /^text\/plain/);
  assert.equal((await ask("/html")).headers.get("content-type"), "text/html; charset=utf-8");
  assert.deepEqual(await (await ask("/json")).json(), { a: 1 });
});

Deno.test("a handler that returns something else than a response is a 500", async () => {
  using errors = hearErrors();
  const ask = asking(
    // deno-lint-ignore no-explicit-any
    new App().get("/", (() => "text") as any).get("/ok", () => new Response("ok")),
  );
  const response = await ask("/");
  assert.equal(response.status, 500);
  assert.equal(await response.text(), "Internal server error");
  assert.match(String(errors.said[0]), /has to return a Response, and returned: "text"/);
  assert.equal(await textOf(ask("/ok")), "ok");
});

Deno.test("handlers with two parameters, as Fresh 1 had them, are refused by name", () => {
  // deno-lint-ignore no-explicit-any
  const old = ((_req: unknown, _ctx: unknown) => new Response()) as any;
  assert.throws(() => new App().get("/old", old).handler(), /\/old.*takes? one|write \(ctx\)/s);
  assert.throws(() => new App().use(old).handler(), /write \(ctx\) instead of \(req, ctx\)/);
  assert.throws(
    () => new App().route("/old", { handler: { GET: old } }).handler(),
    /write \(ctx\)/,
  );
});

Deno.test("page() has no data where it is given none, or null", () => {
  assert.deepEqual(page(), { data: undefined, status: undefined, headers: undefined });
  assert.equal(page(null).data, undefined);
  assert.equal(page("").data, "");
});

Deno.test("route() shows a component with its handler's data", async () => {
  const app = new App().route("/", {
    handler: () => ({ data: { name: "Olive" }, status: 201, headers: { "x-a": "1" } }),
    component: ({ data }) => <h1>Hello {data.name}</h1>,
  });
  const response = await asking(app)("/");
  assert.equal(response.status, 201);
  assert.equal(response.headers.get("x-a"), "1");
  assert.match(await response.text(), /<h1>Hello Olive<\/h1>/);
});

Deno.test("a route with a component and POST only shows the component on GET", async () => {
  const ask = asking(
    new App().route("/", {
      handler: { POST: () => new Response("posted") },
      component: ({ data }) => <p>{JSON.stringify(data)}</p>,
    }),
  );
  assert.match(await textOf(ask("/")), /<p>\{\}<\/p>/);
  assert.equal(await textOf(ask("/", { method: "POST" })), "posted");
  assert.equal((await ask("/", { method: "DELETE" })).status, 405);
});

Deno.test("routes, middlewares and handlers may be loaded when first needed", async () => {
  let loads = 0;
  const ask = asking(
    new App<{ said: string }>()
      // deno-lint-ignore require-await
      .use(async () => {
        loads++;
        return (ctx) => {
          ctx.state.said = "hello";
          return ctx.next();
        };
      })
      // deno-lint-ignore require-await
      .get("/handler", async () => (ctx) => ctx.text(ctx.state.said))
      .route("/page", () => Promise.resolve({ component: ({ state }) => <p>{state.said}</p> })),
  );
  assert.equal(await textOf(ask("/handler")), "hello");
  assert.equal(await textOf(ask("/handler")), "hello");
  assert.equal(loads, 1);
  assert.match(await textOf(ask("/page")), /<p>hello<\/p>/);
});

Deno.test("fsRoutes() without a build adds nothing", async () => {
  assert.equal((await asking(new App().fsRoutes())("/")).status, 404);
});

Deno.test("the status of an HttpError is that of the answer", async () => {
  const ask = asking(
    new App().get("/", () => {
      throw new HttpError(418);
    }),
  );
  const response = await ask("/");
  assert.equal(response.status, 418);
  assert.equal(await response.text(), "I'm a teapot");
});
