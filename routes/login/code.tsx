import { Head } from "fresh/runtime";
import { page } from "fresh";
import KeepEmail from "@/islands/KeepEmail.tsx";
import { formFields } from "@/lib/forms.ts";
import { saveIntake } from "@/lib/intakes.ts";
import {
  askForCode,
  type SignIn,
  signInWithCode,
  signInWithLink,
  userOrGuest,
} from "@/lib/logins.ts";
import { sameSitePath } from "@/lib/same_site.ts";
import { define, type State } from "@/lib/state.ts";
import { CodeForm } from "@/lib/ui/CodeForm.tsx";
import { Frame } from "@/lib/ui/Frame.tsx";

/** What the page carries from one step to the next, and the last answer. */
interface Step {
  email: string;
  /** Which of the codes sent there this browser asked for; "" when it does not know. */
  asked: string;
  redirect: string;
  plan: string;
  /** The mailed link's, which signs in by a button: scanners of mail follow links. */
  token: string;
  outcome: SignIn | { outcome: "sent" | "asked" };
}

export const handler = define.handlers({
  /** For the mailed link, and for who comes back from reading the mail. */
  GET(ctx) {
    const token = ctx.url.searchParams.get("token") ?? "";
    return page<Step>({ ...NOTHING, token });
  },

  /** Without a code it mails one; with a code, or a link's token, it signs in. */
  async POST(ctx) {
    const fields = await formFields(ctx.req, ...FIELDS);
    const step = { ...NOTHING, ...fields, redirect: sameSitePath(fields.redirect, "") };
    if (!fields.code && !fields.token) {
      const { asked, cookie } = await sendCode(ctx.state, fields);
      const headers = new Headers(cookie ? { "set-cookie": cookie } : {});
      return page<Step>({ ...step, asked, outcome: { outcome: "sent" } }, { headers });
    }

    const { login, client } = ctx.state;
    const outcome = fields.token
      ? await signInWithLink(login, { token: fields.token, client })
      : await signInWithCode(login, { ...fields, client });
    if (outcome.outcome !== "signed_in") {
      return page<Step>({ ...step, token: "", outcome }, { status: 400 });
    }
    const res = ctx.redirect(onwards(fields, outcome.redirect), 303);
    res.headers.set("set-cookie", outcome.cookie);
    return res;
  },
});

export default define.page<typeof handler>(function Code({ data }) {
  return (
    <Frame width="narrow">
      <Head>
        <title>Sign in with a code · Wrenchline</title>
        <meta name="robots" content="noindex" />
      </Head>
      <CodeForm {...data} />
      <KeepEmail email={data.email || null} asked={data.asked} />
    </Frame>
  );
});

const FIELDS = [
  "email",
  "asked",
  "code",
  "token",
  "redirect",
  "plan",
  "vehicle",
  "complaint",
] as const;
type Fields = Record<typeof FIELDS[number], string>;

const NOTHING: Step = {
  email: "",
  asked: "",
  redirect: "",
  plan: "",
  token: "",
  outcome: { outcome: "asked" },
};

/** Mails the code. An intake told beforehand is kept first, which takes a guest to keep it for. */
async function sendCode({ login, client }: State, fields: Fields) {
  let cookie: string | null = null;
  if (fields.vehicle || fields.complaint) {
    ({ login, cookie } = await userOrGuest(login, client));
    await saveIntake(login, fields);
  }
  const redirect = fields.plan
    ? `/start?plan=${encodeURIComponent(fields.plan)}`
    : sameSitePath(fields.redirect, "") || null;
  const asked = await askForCode(login, { email: fields.email, client, redirect });
  return { asked, cookie };
}

/** Where one goes, signed in: to the payment one was on the way to, or what was asked for. */
function onwards({ plan, redirect }: Fields, remembered: string | null): string {
  return plan
    ? `/api/checkout?plan=${encodeURIComponent(plan)}`
    : sameSitePath(redirect, sameSitePath(remembered, "/account"));
}
