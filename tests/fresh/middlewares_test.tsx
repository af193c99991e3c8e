import { strict as assert } from "node:assert";
import { App, csp, csrf, HttpError, trailingSlashes } from "fresh";
import { asking, hearErrors, textOf } from "./tree.ts";

Deno.test("middlewares run in order, and see the answer in reverse", async () => {
  const seen: string[] = [];
  const note = (name: string) => async (ctx: { next(): Promise<Response> }) => {
    seen.push(`${name} in`);
    const response = await ctx.next();
    seen.push(`${name} out`);
    return response;
  };
  const ask = asking(new App().use(note("a"), note("b")).get("/", () => new Response()));
  await ask("/");
  assert.deepEqual(seen, ["a in", "b in", "b out", "a out"]);
});

Deno.test("a middleware affects only what is registered after it", async () => {
  const ask = asking(
    new App().get("/before", () => new Response("before"))
      .use(() => new Response("caught")).get("/after", () => new Response("after")),
  );
  assert.equal(await textOf(ask("/before")), "before");
  assert.equal(await textOf(ask("/after")), "caught");
});

Deno.test("use(path) is for the path and what is below it, by whole segments", async () => {
  const app = new App<{ inside?: boolean }>().use("/desk", (ctx) => {
    ctx.state.inside = true;
    return ctx.next();
  });
  for (const path of ["/desk", "/desk/queue", "/desktop"]) {
    app.get(path, (ctx) => Response.json(ctx.state.inside ?? false));
  }
  const ask = asking(app);
  assert.equal(await (await ask("/desk")).json(), true);
  assert.equal(await (await ask("/desk/queue")).json(), true);
  assert.equal(await (await ask("/desktop")).json(), false);
});

Deno.test("use(path) is also for what is optional in between", async () => {
  const app = new App<{ seen?: boolean }>().use("/api", (ctx) => {
    ctx.state.seen = true;
    return ctx.next();
  }).get("/api{/:version}?/cars", (ctx) => ctx.json(ctx.state.seen ?? false));
  const ask = asking(app);
  assert.equal(await textOf(ask("/api/cars")), "true");
  assert.equal(await textOf(ask("/api/2/cars")), "true");
});

Deno.test("the state starts empty for each request, and is one object throughout", async () => {
  const ask = asking(
    new App<{ count?: number }>().use((ctx) => {
      ctx.state.count = (ctx.state.count ?? 0) + 1;
      return ctx.next();
    }).get("/", (ctx) => Response.json(ctx.state)),
  );
  await ask("/");
  assert.deepEqual(await (await ask("/")).json(), { count: 1 });
});

Deno.test("root middlewares run where nothing answers, too", async () => {
  let runs = 0;
  const ask = asking(
    new App().get("/known", () => new Response()).use((ctx) => {
      runs++;
      return ctx.next();
    }),
  );
  await ask("/nowhere");
  await ask("/known", { method: "POST" });
  assert.equal(runs, 2);
});

Deno.test("a middleware sees on the context what it caught", async () => {
  using _ = hearErrors();
  const pairs: unknown[][] = [];
  const ask = asking(
    new App().use(async (ctx) => {
      try {
        return await ctx.next();
      } catch (error) {
        pairs.push([error, ctx.error]);
        throw error;
      }
    }).get("/", () => {
      throw "words";
    }),
  );
  assert.equal((await ask("/")).status, 500);
  assert.deepEqual(pairs, [["words", "words"]]);
});

Deno.test("calling next() where nothing is left is an error that says so", async () => {
  using errors = hearErrors();
  const ask = asking(new App().get("/", (ctx) => ctx.next()));
  assert.equal((await ask("/")).status, 500);
  assert.match(String(errors.said[0]), /nothing is left/);
});

Deno.test("a middleware may replace the request", async () => {
  const ask = asking(
    new App().use((ctx) => {
      ctx.req = new Request("http://localhost/other", { headers: { "x-a": "1" } });
      return ctx.next();
    }).get("/", (ctx) => ctx.text(`${ctx.req.headers.get("x-a")} ${ctx.url.pathname}`)),
  );
  assert.equal(await textOf(ask("/")), "1 /");
});

Deno.test("csp() allows this site's own, and replaces directives by name", async () => {
  const app = new App().use(csp({
    reportTo: "/reports",
    csp: ["img-src 'self' https://img.test", "upgrade-insecure-requests"],
  })).get("/", () => new Response());
  const { headers } = await asking(app)("/");
  const policy = headers.get("content-security-policy")!;
  assert.match(policy, /^default-src 'self'; script-src 'self' 'unsafe-inline'; /);
  assert.match(policy, /img-src 'self' https:\/\/img.test; upgrade-insecure-requests; report-uri/);
  assert.doesNotMatch(policy, /img-src 'self' data:/);
  assert.equal(headers.get("reporting-endpoints"), 'csp-endpoint="/reports"');
});

Deno.test("csp({ reportOnly }) blocks nothing", async () => {
  const { headers } = await asking(
    new App().use(csp({ reportOnly: true })).get("/", () => new Response()),
  )("/");
  assert.equal(headers.get("content-security-policy"), null);
  assert.match(headers.get("content-security-policy-report-only")!, /^default-src 'self'/);
});

Deno.test("csp({ useNonce }) names inline scripts and styles by a nonce of each answer", async () => {
  const ask = asking(
    new App().use(csp({ useNonce: true })).get("/", (ctx) =>
      ctx.render(
        <html>
          <head>
            <style>{"p { color: red; }"}</style>
            <script src="/x.js" />
          </head>
          <body>
            <script nonce="mine">1</script>
          </body>
        </html>,
      )),
  );
  const nonces = new Set<string>();
  for (let time = 0; time < 2; time++) {
    const response = await ask("/");
    const policy = response.headers.get("content-security-policy")!;
    const nonce = /script-src 'self' 'nonce-([a-f0-9]+)'/.exec(policy)![1];
    assert.match(policy, new RegExp(`style-src 'self' 'nonce-${nonce}'`));
    assert.doesNotMatch(policy, /unsafe-inline/);
    const html = await response.text();
    assert.match(html, new RegExp(`<style nonce="${nonce}">`));
    assert.match(html, /<script src="\/x.js"><\/script>/);
    assert.match(html, /<script nonce="mine">/);
    nonces.add(nonce);
  }
  assert.equal(nonces.size, 2);
});

Deno.test("csp({ useNonce }) adds no nonce to a directive that allows nothing inline", async () => {
  const ask = asking(
    new App().use(csp({ useNonce: true, csp: ["script-src 'self'"] }))
      .get("/", (ctx) => ctx.render(<p />)),
  );
  const policy = (await ask("/")).headers.get("content-security-policy")!;
  assert.match(policy, /script-src 'self'(;|$)/);
  assert.match(policy, /style-src 'self' 'nonce-/);
});

Deno.test("a nonce is not left behind in JSX that is a constant of its module", async () => {
  const style = <style>{"p { color: red; }"}</style>;
  const ask = asking(
    new App().use(csp({ useNonce: true })).get("/", (ctx) => ctx.render(<p>{style}</p>)),
  );
  const nonceIn = (html: string) => /<style nonce="(\w+)">/.exec(html)![1];
  assert.notEqual(nonceIn(await textOf(ask("/"))), nonceIn(await textOf(ask("/"))));
});

Deno.test("csp() also protects errors, whoever answers them", async () => {
  using _ = hearErrors();
  const fail = () => {
    throw new Error("broken");
  };
  const plain = await asking(new App().use(csp()).get("/", fail))("/");
  assert.equal(plain.status, 500);
  assert.match(plain.headers.get("content-security-policy")!, /default-src/);

  const shown = await asking(
    new App().onError("*", { component: () => <script>1</script> })
      .use(csp({ useNonce: true })).get("/", fail),
  )("/");
  const nonce = /nonce-(\w+)/.exec(shown.headers.get("content-security-policy")!)![1];
  assert.match(await shown.text(), new RegExp(`<script nonce="${nonce}">`));
  assert.equal(
    (await asking(new App().use(csp()))("/nowhere")).headers.has(
      "content-security-policy",
    ),
    true,
  );
});

Deno.test("csp() copes with answers whose headers cannot be changed", async () => {
  const ask = asking(new App().use(csp()).get("/", () => Response.redirect("http://a.test/")));
  const response = await ask("/");
  assert.equal(response.status, 302);
  assert.equal(response.headers.has("content-security-policy"), true);
});

Deno.test("csrf() refuses what another site makes a browser send", async () => {
  const ask = asking(new App().use(csrf()).all("/", () => new Response("done")));
  const post = async (headers: Record<string, string>) =>
    (await ask("/", { method: "POST", headers })).status;

  assert.equal(await post({ "sec-fetch-site": "same-origin" }), 200);
  assert.equal(await post({ "sec-fetch-site": "none" }), 200);
  assert.equal(await post({ "sec-fetch-site": "cross-site", origin: "http://evil.test" }), 403);
  assert.equal(await post({ "sec-fetch-site": "cross-site" }), 403);
  assert.equal(await post({ "sec-fetch-site": "same-site", origin: "http://a.localhost" }), 403);
  assert.equal(await post({ origin: "http://localhost" }), 200);
  assert.equal(await post({ origin: "http://evil.test" }), 403);
  assert.equal(await post({ origin: "null" }), 403);
  assert.equal(await post({}), 200); // a webhook, say
  const get = await ask("/", { headers: { "sec-fetch-site": "cross-site" } });
  assert.equal(get.status, 200);
});

Deno.test("csrf() lets named origins in", async () => {
  const from = async (origin: NonNullable<Parameters<typeof csrf>[0]>["origin"], who: string) => {
    const ask = asking(new App().use(csrf({ origin })).post("/", () => new Response()));
    return (await ask("/", { method: "POST", headers: { origin: who } })).status;
  };
  assert.equal(await from("http://a.test", "http://a.test"), 200);
  assert.equal(await from("http://a.test", "http://b.test"), 403);
  assert.equal(await from(["http://a.test", "http://b.test"], "http://b.test"), 200);
  assert.equal(await from((origin) => origin.endsWith(".test"), "http://c.test"), 200);
  assert.equal(await from((origin) => origin.endsWith(".test"), "http://c.evil"), 403);
});

Deno.test("csrf() compares with the origin that a trusted proxy tells", async () => {
  const ask = asking(
    new App({ trustProxy: true }).use(csrf()).post("/", () => new Response()),
  );
  const headers = { "x-forwarded-proto": "https", origin: "https://localhost" };
  assert.equal((await ask("/", { method: "POST", headers })).status, 200);
  const plain = { origin: "https://localhost" };
  assert.equal((await ask("/", { method: "POST", headers: plain })).status, 403);
});

Deno.test("trailingSlashes() redirects, and keeps the query", async () => {
  const never = asking(new App().use(trailingSlashes("never")).get("/a", () => new Response()));
  assert.equal((await never("/a/?b=c")).headers.get("location"), "/a?b=c");
  assert.equal((await never("/a")).status, 200);
  assert.equal((await never("/")).status, 404);
  const always = asking(new App().use(trailingSlashes("always")).get("/a", () => new Response()));
  assert.equal((await always("/a?b=c")).headers.get("location"), "/a/?b=c");
  assert.equal((await always("/a/")).status, 200);
});

Deno.test("errors pass through middlewares that do not catch them", async () => {
  const ask = asking(
    new App().use((ctx) => ctx.next()).use(async (ctx) => await ctx.next()).get("/", () => {
      throw new HttpError(403, "not yours");
    }),
  );
  assert.equal(await textOf(ask("/")), "not yours");
});
