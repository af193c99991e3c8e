/** What Fresh's layers cost: a page through the App against the same HTML rendered by hand. */
import { App } from "fresh";
import { h } from "preact";
import renderToString from "preact-render-to-string";
import type { Row } from "./row.ts";

function Page() {
  return h(
    "main",
    null,
    h("h1", null, "Hello"),
    h("ul", null, ...Array.from({ length: 20 }, (_, i) => h("li", null, `Line ${i}`))),
  );
}

/** A bare handler for the HTML that `app` answers with. */
function bare(): Response {
  const body = renderToString(h(Page, null));
  return new Response(
    `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>t</title></head><body>${body}</body></html>`,
    { headers: { "Content-Type": "text/html; charset=utf-8" } },
  );
}

const app = new App()
  .appWrapper(({ Component }) =>
    h(
      "html",
      { lang: "en" },
      h("head", null, h("meta", { charset: "utf-8" }), h("title", null, "t")),
      h("body", null, h(Component, null)),
    )
  )
  .use((ctx) => ctx.next())
  .route("/", { component: Page });

/** CPU a page, in microseconds, of a server that answers so many requests over real connections. */
async function cpuOf(
  handler: (request: Request, info: Deno.ServeHandlerInfo) => Response | Promise<Response>,
  pages: number,
) {
  let spent = 0;
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    async (request, info) => {
      const before = performance.now();
      const response = await handler(request, info);
      spent += performance.now() - before;
      return response;
    },
  );
  const url = `http://127.0.0.1:${server.addr.port}/`;
  for (let i = 0; i < pages; i++) await (await fetch(url)).text();
  await server.shutdown();
  return spent * 1000 / pages;
}

/** Measures a server-rendered page. */
export async function measure(): Promise<Row[]> {
  const handler = app.handler();
  const [ours, theirs]: number[][] = [[], []];
  await cpuOf(handler, 500);
  await cpuOf(bare, 500);
  for (let round = 0; round < 7; round++) {
    ours.push(await cpuOf(handler, 1000));
    theirs.push(await cpuOf(bare, 1000));
  }
  const [a, b] = [Math.min(...ours), Math.min(...theirs)];
  return [{
    what: "A server-rendered page, time in the handler, against renderToString by hand",
    ours: `${a.toFixed(1)} µs`,
    beside: `${b.toFixed(1)} µs`,
    ratio: a / b,
    target: "at most 2",
  }];
}
