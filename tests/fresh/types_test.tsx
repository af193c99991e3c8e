/** What has to type-check, written as the documentation writes it. Most of it never runs. */
import { strict as assert } from "node:assert";
import {
  App,
  type Context,
  createDefine,
  type FreshContext,
  type HandlerByMethod,
  HttpError,
  type Middleware,
  type MiddlewareFn,
  page,
  type PageProps,
  type RouteConfig,
  type RouteData,
  type RouteHandler,
} from "fresh";
import type { ComponentChildren } from "preact";

interface State {
  user: string;
}
const define = createDefine<State>();

/** Does not compile unless both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true
  : false;
function same<A, B>(_: Same<A, B>): void {}

const handler = define.handlers({
  GET(ctx) {
    same<typeof ctx.state.user, string>(true);
    return { data: { plan: "chat10" } };
  },
  async POST(ctx) {
    const form = await ctx.req.formData();
    if (!form.has("plan")) throw new HttpError(400);
    if (form.get("plan") === "none") return ctx.redirect("/", 303);
    return page({ plan: String(form.get("plan")) }, { status: 201 });
  },
});

const Page = define.page<typeof handler>(({ data, state, url, params }) => {
  same<typeof data.plan, string>(true);
  return <p title={params.id}>{data.plan} {state.user} {url.pathname}</p>;
});

const AsyncPage = define.page<typeof handler>(async ({ data }) => {
  await Promise.resolve();
  return data.plan === "" ? new Response(null, { status: 404 }) : <p>{data.plan}</p>;
});

const functionHandler = define.handlers((ctx) => page({ length: ctx.state.user.length }));
const FunctionPage = define.page<typeof functionHandler>(({ data }) => <p>{data.length}</p>);

define.page((props) => <p>{props.state.user}</p>);

const AppWrapper = define.layout(function App({ Component, state }) {
  return (
    <html lang="en">
      <body class={state.user}>
        <Component />
      </body>
    </html>
  );
});

const Layout = define.layout(({ Component, state }) => (
  <main title={state.user}>
    <Component />
  </main>
));

const one = define.middleware((ctx) => {
  ctx.state.user = "Olive";
  return ctx.next();
});
const many = define.middleware([
  async (ctx) => {
    const response = await ctx.next();
    response.headers.set("x-user", ctx.state.user);
    return response;
  },
  (ctx) => ctx.next(),
]);

const byMethod: HandlerByMethod<{ a: number }, State> = { GET: () => page({ a: 1 }) };
same<RouteData<typeof byMethod>, { a: number }>(true);
const routeHandler: RouteHandler<string, State> = (ctx) => page(ctx.state.user);
const config: RouteConfig = { routeOverride: "/x", skipAppWrapper: true };

function ErrorPage({ error, url }: PageProps<unknown, State>): ComponentChildren {
  return error instanceof HttpError ? <p>{error.status} at {url.pathname}</p> : <p>oops</p>;
}

const middlewareFn: MiddlewareFn<State> = (ctx: Context<State>) => ctx.next();
const middleware: Middleware<State> = middlewareFn;
function withOldName(ctx: FreshContext<State>): Promise<Response> {
  return ctx.next();
}

Deno.test("code as the documentation writes it type-checks and runs", async () => {
  const app = new App<State>({ trustProxy: true })
    .use(one)
    .use(...many)
    .use(middleware, withOldName)
    .use("/admin", middlewareFn)
    .appWrapper(AppWrapper)
    .layout("*", Layout)
    .onError("*", { component: ErrorPage })
    .notFound((ctx) => ctx.text("lost", { status: 404 }))
    .route("/", { handler, component: Page })
    .route("/async", { handler, component: AsyncPage })
    .route("/function", { handler: functionHandler, component: FunctionPage })
    .route("/plain", { component: ErrorPage, config })
    .route("/handler", { handler: routeHandler, component: ({ data }) => <p>{data}</p> })
    .get("/by-method", byMethod.GET as MiddlewareFn<State>)
    .ws("/ws", { message: (socket, event) => socket.send(event.data) });

  const answer = await app.handler()(new Request("http://localhost/"));
  assert.equal(answer.headers.get("x-user"), "Olive");
  assert.equal(
    await answer.text(),
    '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"></head><body class="Olive">' +
      '<main title="Olive"><p>chat10 Olive /</p></main></body></html>',
  );
});

Deno.test("data of a page without a handler, and of another page, does not type-check", () => {
  // @ts-expect-error there is no handler to give it data
  define.page(({ data }) => <p>{data.plan}</p>);
  // @ts-expect-error the handler gives a plan, not a price
  define.page<typeof handler>(({ data }) => <p>{data.price}</p>);
  // @ts-expect-error nothing is known about it outside of the page
  define.middleware((ctx) => ctx.text(ctx.data.plan));
  // @ts-expect-error the state has no such field
  define.middleware((ctx) => ctx.state.other);
});
