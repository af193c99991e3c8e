import { Head } from "fresh/runtime";
import { page } from "fresh";
import type { ViewerView } from "@/lib/logins.ts";
import { accountOf } from "@/lib/sessions.ts";
import { define } from "@/lib/state.ts";
import { Frame } from "@/lib/ui/Frame.tsx";
import { Receipts } from "@/lib/ui/Receipts.tsx";
import { SessionList } from "@/lib/ui/SessionList.tsx";
import { EmailStep } from "@/lib/ui/signing_in.tsx";

export const handler = define.handlers({
  /** What is this user's: sessions, receipts, and the ways out. */
  async GET(ctx) {
    return page(await accountOf(ctx.state.login));
  },
});

export default define.page<typeof handler>(function Account({ data }) {
  const { viewer, sessions, receipts } = data;
  return (
    <Frame width="text">
      <Head>
        <title>Your sessions · Wrenchline</title>
        <meta name="robots" content="noindex" />
      </Head>
      <h1 class="text-3xl">Your sessions</h1>
      <p class="quiet mt-2">{whoIs(viewer)}</p>
      <div class="mt-6">
        <SessionList sessions={sessions} />
      </div>
      {viewer.isGuest && <SaveByEmail />}
      {receipts.length > 0 && <Receipts receipts={receipts} />}
      <section aria-labelledby="leave" class="mt-12 border-t border-base-300 pt-6 print:hidden">
        <h2 id="leave" class="text-lg">Leaving</h2>
        <div class="mt-4 flex flex-wrap gap-3">
          <a href="/logout" class="btn btn-outline">Sign out</a>
          {/* A guest is known to one browser, and is told first what leaving costs. */}
          {!viewer.isGuest && (
            <form method="post" action="/logout">
              <button type="submit" name="everywhere" value="yes" class="btn btn-outline">
                Sign out everywhere
              </button>
            </form>
          )}
        </div>
      </section>
    </Frame>
  );
});

function whoIs(viewer: ViewerView): string {
  if (viewer.isGuest) return "You are a guest, known to this browser only.";
  if (viewer.role === "customer") return `Signed in as ${viewer.email}.`;
  return `Signed in as ${viewer.name}, ${viewer.role}, ${viewer.email}.`;
}

/** A guest becomes a customer, whose sessions are there on every device. */
function SaveByEmail() {
  return (
    <section aria-labelledby="save" class="sheet mt-8 p-6">
      <h2 id="save" class="text-xl">Save your sessions by e-mail</h2>
      <p class="quiet mt-1 mb-5">
        Should this browser forget you, nobody could get back to them. With an address you can.
      </p>
      <form method="post" action="/login/code">
        <input type="hidden" name="redirect" value="/account" />
        <EmailStep />
      </form>
    </section>
  );
}
