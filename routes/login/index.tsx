import { Head } from "fresh/runtime";
import { page } from "fresh";
import { viewer } from "@/lib/logins.ts";
import { sameSitePath } from "@/lib/same_site.ts";
import { define } from "@/lib/state.ts";
import { Frame } from "@/lib/ui/Frame.tsx";
import { EmailStep } from "@/lib/ui/signing_in.tsx";

export const handler = define.handlers({
  /** Asks for the address; who is signed in already goes on. */
  async GET(ctx) {
    const redirect = sameSitePath(ctx.url.searchParams.get("redirect"), "");
    const known = await viewer(ctx.state.login);
    if (known && !known.isGuest) return ctx.redirect(redirect || "/account", 303);
    return page({ redirect, isGuest: known !== null });
  },
});

export default define.page<typeof handler>(function SignIn({ data: { redirect, isGuest } }) {
  return (
    <Frame width="narrow">
      <Head>
        <title>Sign in · Wrenchline</title>
      </Head>
      <h1 class="text-3xl">Sign in</h1>
      <p class="quiet mt-2">
        We send a code to your address; there is no password.
        {isGuest && " What you bought as a guest comes along."}
      </p>
      <form method="post" action="/login/code" class="sheet mt-6 p-6">
        <input type="hidden" name="redirect" value={redirect} />
        <EmailStep />
      </form>
    </Frame>
  );
});
