import { Head } from "fresh/runtime";
import { page } from "fresh";
import { paidSession, type SessionPageView, sessionPath } from "@/lib/sessions.ts";
import { define } from "@/lib/state.ts";
import { Frame } from "@/lib/ui/Frame.tsx";
import { STATUS_WORDS } from "@/lib/ui/SessionList.tsx";
import { When } from "@/lib/ui/When.tsx";

export const handler = define.handlers({
  /** After paying for what has no page of its own yet: how it stands, and what comes next. */
  async GET(ctx) {
    const session = await paidSession(
      ctx.state.login,
      ctx.url.searchParams.get("session") ?? "",
    );
    if (session.type === "chat") return ctx.redirect(sessionPath(session), 303);
    return page({ session });
  },
});

export default define.page<typeof handler>(function ThankYou({ data: { session } }) {
  return (
    <Frame width="text">
      <Head>
        <title>{`Thank you: ${session.planName} · Wrenchline`}</title>
        <meta name="robots" content="noindex" />
      </Head>
      <p class="eyebrow">{session.planName}, {session.lengthMinutes} minutes</p>
      <h1 class="mt-2 text-3xl sm:text-4xl">{HEADINGS[session.status]}</h1>
      <dl class="sheet mt-6 grid gap-4 p-6 sm:grid-cols-2">
        <Fact term="How it stands">{STATUS_WORDS[session.status]}</Fact>
        <Fact term="Bought">
          <When at={session.createdAt} />
        </Fact>
        {session.vehicle && <Fact term="Vehicle">{session.vehicle}</Fact>}
        {session.complaint && (
          <Fact term="What it does">
            <span class="whitespace-pre-wrap">{session.complaint}</span>
          </Fact>
        )}
      </dl>
      <Next session={session} />
      <p class="mt-8">
        <a href="/account" class="btn btn-primary">Your sessions and receipts</a>
      </p>
    </Frame>
  );
});

const HEADINGS = {
  waiting: "Thank you. Your place in line is yours.",
  live: "A mechanic has your session.",
  ended: "This session is over.",
  refunded: "This session was refunded.",
};

function Fact({ term, children }: { term: string; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt class="quiet text-sm">{term}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** Honest about what does not exist yet: no button leads to a room that is not there. */
function Next({ session: { type, status } }: { session: SessionPageView }) {
  if (status === "refunded") {
    return <p class="mt-6">All of your money goes back to the card you paid with.</p>;
  }
  if (status === "ended") return null;
  const room = type === "video" ? "video" : "diagnostic";
  return (
    <section aria-labelledby="next" class="mt-8">
      <h2 id="next" class="text-2xl">What happens next</h2>
      <ol class="mt-4 list-decimal space-y-3 pl-5">
        <li>
          Your payment is recorded and you are in line. What you told us about the car is with the
          session, for the mechanic to read.
        </li>
        <li>
          The {room}{" "}
          room is not open yet, so there is nothing to enter today. When it opens, its button is on
          this page; you find it again under "Your sessions".
        </li>
        <li>
          If no mechanic joins you, all of your money goes back to the card you paid with. Your
          minutes are not counted while you wait.
        </li>
      </ol>
    </section>
  );
}
