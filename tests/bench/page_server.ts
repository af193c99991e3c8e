/** Serves one small page, through the App (`app`) or by hand (`bare`), and at /cpu says what that has cost. */
import { App } from "fresh";
import { h } from "preact";
import { renderToString } from "preact-render-to-string";
import process from "node:process";

const lines = Array.from({ length: 20 }, (_, i) => `Line ${i}`);

function Page() {
  return h(
    "main",
    null,
    h("h1", null, "Hello"),
    h("ul", null, lines.map((line) => h("li", null, line))),
  );
}

function bare(): Response {
  const body = renderToString(h(Page, null));
  return new Response(
    `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"/><title>t</title></head><body>${body}</body></html>`,
    { headers: { "Content-Type": "text/html; charset=utf-8" } },
  );
}

const app = new App()
  .use((ctx) => ctx.next())
  .appWrapper(({ Component }) =>
    h(
      "html",
      { lang: "en" },
      h("head", null, h("meta", { charset: "utf-8" }), h("title", null, "t")),
      h("body", null, h(Component, null)),
    )
  )
  .route("/", { component: Page });

const answer = Deno.args[0] === "app" ? app.handler() : bare;
Deno.serve(
  { port: 0, hostname: "127.0.0.1", onListen: ({ port }) => console.log(port) },
  (request, info) => {
    if (!request.url.endsWith("/cpu")) return answer(request, info);
    const { user, system } = process.cpuUsage();
    return new Response(String(user + system));
  },
);
