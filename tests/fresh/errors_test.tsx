import { strict as assert } from "node:assert";
import { App, csp, HttpError, page, type PageProps } from "fresh";
import { HttpError as SameHttpError } from "fresh/runtime";
import { asking, hearErrors, textOf } from "./tree.ts";

function ErrorPage({ error }: PageProps) {
  return <p>sorry: {error instanceof Error ? error.message : "?"}</p>;
}

function fail(): never {
  throw new Error("secret");
}

Deno.test("HttpError carries a status, and the status' own words", () => {
  const error = new HttpError(404, undefined, { cause: "lost" });
  assert.equal(error.status, 404);
  assert.equal(error.name, "HttpError");
  assert.equal(error.message, "Not Found");
  assert.equal(error.cause, "lost");
  assert.ok(error instanceof Error);
  assert.equal(HttpError, SameHttpError);
});

Deno.test("an unexpected error is a 500 that is logged and tells nothing", async () => {
  using errors = hearErrors();
  const response = await asking(new App().get("/", fail))("/");
  assert.equal(response.status, 500);
  assert.equal(await response.text(), "Internal server error");
  assert.match(String(errors.said[0]), /secret/);
});

Deno.test("an HttpError's message is sent, and only our own faults are logged", async () => {
  using errors = hearErrors();
  const later = new HttpError(503, "come back later");
  const ask = asking(
    new App().get("/503", () => {
      throw later;
    }).get("/403", () => {
      throw new HttpError(403, "no");
    }),
  );
  const response = await ask("/503");
  assert.equal(response.status, 503);
  assert.equal(await response.text(), "come back later");
  assert.equal(await (await ask("/403")).text(), "no");
  assert.deepEqual(errors.said, [later]);
});

Deno.test("onError() answers with the status of the error, 500 for others", async () => {
  const ask = asking(
    new App().onError("*", { component: ErrorPage }).get("/500", fail).get("/403", () => {
      throw new HttpError(403, "no");
    }),
  );
  for (const [path, status, words] of [["/500", 500, "secret"], ["/403", 403, "no"]] as const) {
    const response = await ask(path);
    assert.equal(response.status, status);
    assert.match(await response.text(), new RegExp(`<p>sorry: ${words}</p>`));
  }
  const lost = await ask("/nowhere");
  assert.equal(lost.status, 404);
  assert.match(await lost.text(), /sorry: Not Found/);
});

Deno.test("onError() may be a middleware, which sees the error", async () => {
  const ask = asking(
    new App().onError("*", (ctx) => ctx.text(String(ctx.error), { status: 200 })).get("/", fail),
  );
  const response = await ask("/");
  assert.equal(response.status, 200);
  assert.equal(await response.text(), "Error: secret");
});

Deno.test("a handler of an error page may set the status and headers", async () => {
  const ask = asking(
    new App().onError("*", {
      handler: () => page("x", { status: 400, headers: { "x-a": "1" } }),
      component: ErrorPage,
    }).get("/", fail),
  );
  const response = await ask("/");
  assert.equal(response.status, 400);
  assert.equal(response.headers.get("x-a"), "1");
});

Deno.test("the nearest onError() answers, and what it throws goes further out", async () => {
  const ask = asking(
    new App().onError("*", () => new Response("outer"))
      .onError("/a", () => new Response("inner"))
      .onError("/a/b", fail)
      .get("/x", fail).get("/a/x", fail).get("/a/b/x", fail),
  );
  assert.equal(await textOf(ask("/x")), "outer");
  assert.equal(await textOf(ask("/a/x")), "inner");
  assert.equal(await textOf(ask("/a/b/x")), "inner");
});

Deno.test("notFound() answers unknown paths and thrown 404s, others go to onError()", async () => {
  const ask = asking(
    new App().notFound(() => new Response("lost", { status: 404 }))
      .onError("*", () => new Response("error", { status: 500 }))
      .onError("/a", () => new Response("never for a 404"))
      .get("/a/404", () => {
        throw new HttpError(404);
      })
      .get("/500", fail),
  );
  assert.equal(await textOf(ask("/nowhere")), "lost");
  assert.equal(await textOf(ask("/a/404")), "lost");
  assert.equal(await textOf(ask("/500")), "error");
});

Deno.test("a notFound() page answers 404", async () => {
  const ask = asking(new App().notFound({ component: () => <p>lost</p> }));
  const response = await ask("/nowhere");
  assert.equal(response.status, 404);
  assert.match(await response.text(), /<p>lost<\/p>/);
});

Deno.test("a notFound() page has the layouts of the place that was asked for", async () => {
  const ask = asking(
    new App().notFound({ component: () => <p>lost</p> })
      .layout("/a", ({ Component }) => (
        <i>
          <Component />
        </i>
      ))
      .get("/a/404", () => {
        throw new HttpError(404);
      }),
  );
  assert.match(await textOf(ask("/a/404")), /<body><i><p>lost<\/p><\/i>/);
  assert.match(await textOf(ask("/nowhere")), /<body><p>lost<\/p>/);
});

Deno.test("error pages have the layouts and the app wrapper of their place", async () => {
  const ask = asking(
    new App().appWrapper(({ Component }) => (
      <main>
        <Component />
      </main>
    ))
      .layout("*", ({ Component }) => (
        <div>
          <Component />
        </div>
      ))
      .layout("/a", ({ Component }) => (
        <i>
          <Component />
        </i>
      ))
      .onError("*", { component: ErrorPage })
      .route("/a/x", { component: fail, config: { skipInheritedLayouts: true } }),
  );
  assert.match(await textOf(ask("/a/x")), /<main><div><p>sorry: secret<\/p><\/div><\/main>/);
});

Deno.test("a middleware that catches and renders keeps layout, headers and nonce", async () => {
  const ask = asking(
    new App().use(csp({ useNonce: true }))
      .use(async (ctx) => {
        try {
          return await ctx.next();
        } catch (error) {
          const status = error instanceof HttpError ? error.status : 500;
          return await ctx.render(<script>1</script>, { status });
        }
      })
      .layout("*", ({ Component }) => (
        <div>
          <Component />
        </div>
      ))
      .get("/403", () => {
        throw new HttpError(403);
      }),
  );
  for (const [path, status] of [["/403", 403], ["/nowhere", 404]] as const) {
    const response = await ask(path);
    assert.equal(response.status, status);
    const nonce = /nonce-(\w+)/.exec(response.headers.get("content-security-policy")!)![1];
    assert.match(await response.text(), new RegExp(`<div><script nonce="${nonce}">`));
  }
});

Deno.test("a page that answers 405 says what is allowed, also through an error page", async () => {
  const ask = asking(
    new App().onError("*", { component: ErrorPage }).get("/", () => new Response()),
  );
  const response = await ask("/", { method: "DELETE" });
  assert.equal(response.status, 405);
  assert.equal(response.headers.get("allow"), "GET, HEAD, OPTIONS");
  assert.match(await response.text(), /sorry: Method Not Allowed/);
});

Deno.test("in development, browsers are shown the stack, and only then", async () => {
  using _ = hearErrors();
  const accept = { headers: { accept: "text/html" } };
  const development = await asking(new App({ mode: "development" }).get("/", fail))("/", accept);
  assert.equal(development.status, 500);
  assert.match(await development.text(), /Error: secret[^]*errors_test/);
  const production = await asking(new App().get("/", fail))("/", accept);
  assert.equal(await production.text(), "Internal server error");
});
