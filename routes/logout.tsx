import { Head } from "fresh/runtime";
import { page } from "fresh";
import { formFields } from "@/lib/forms.ts";
import { clearedCookie, signOut, signOutEverywhere, viewer } from "@/lib/logins.ts";
import { define } from "@/lib/state.ts";
import { Frame } from "@/lib/ui/Frame.tsx";

export const handler = define.handlers({
  /** A page with the button: following a link must not sign anybody out. */
  async GET(ctx) {
    return page({ viewer: await viewer(ctx.state.login) });
  },

  /** Ends this login, or with `everywhere` all of this user's. */
  async POST(ctx) {
    const { everywhere } = await formFields(ctx.req, "everywhere");
    await (everywhere ? signOutEverywhere(ctx.state.login) : signOut(ctx.state.login));
    const res = ctx.redirect("/", 303);
    res.headers.set("set-cookie", clearedCookie());
    return res;
  },
});

export default define.page<typeof handler>(function SignOut({ data: { viewer } }) {
  return (
    <Frame width="narrow">
      <Head>
        <title>Sign out · Wrenchline</title>
      </Head>
      <h1 class="text-3xl">Sign out</h1>
      {viewer === null
        ? (
          <p class="mt-4">
            You are not signed in. <a class="plain-link" href="/">To the start page</a>
          </p>
        )
        : (
          <form method="post" action="/logout" class="sheet mt-6 p-6">
            <p class="mb-5">
              {viewer.isGuest
                ? "You are a guest here. Once signed out, nobody can get back to your sessions, unless you add an address first."
                : `You are signed in as ${viewer.email}.`}
            </p>
            {viewer.isGuest && (
              <a href="/account" class="btn btn-primary btn-block mb-3">Add an address first</a>
            )}
            <button
              type="submit"
              class={`btn btn-block ${viewer.isGuest ? "btn-outline" : "btn-primary"}`}
            >
              Sign out
            </button>
          </form>
        )}
    </Frame>
  );
});
