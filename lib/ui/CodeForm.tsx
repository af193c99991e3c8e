import type { ComponentChildren } from "preact";
import type { SignIn } from "@/lib/logins.ts";
import { TextField } from "@/lib/ui/fields.tsx";
import { Notice } from "@/lib/ui/Notice.tsx";

/** What the code page carries along, and what came of the last step. */
export interface CodeFormProps {
  /** Where the code went; "" when the page was reloaded and no longer knows. */
  email: string;
  /** Which of the codes sent there this browser asked for. */
  asked: string;
  redirect: string;
  plan: string;
  /** From the mailed link; "" when a code is to be typed. */
  token: string;
  outcome: SignIn | { outcome: "sent" | "asked" };
}

/** The code page: a code to type, or for the mailed link one button. */
export function CodeForm({ outcome, ...props }: CodeFormProps) {
  const { email, asked, redirect, plan, token } = props;
  const carried = (
    <>
      <input type="hidden" name="redirect" value={redirect} />
      <input type="hidden" name="plan" value={plan} />
    </>
  );
  if (token) return <Link token={token}>{carried}</Link>;
  return (
    <>
      <h1 class="text-3xl">Check your mail</h1>
      <p class="quiet mt-2">
        {email
          ? (
            <>
              We sent six digits to <strong>{email}</strong>. They are good for ten minutes.
            </>
          )
          : "We sent you six digits. They are good for ten minutes."}
      </p>
      <div class="mt-5 empty:hidden">{told(outcome)}</div>
      <form method="post" action="/login/code" class="sheet mt-5 space-y-5 p-6">
        {carried}
        <input type="hidden" name="asked" id="asked" value={asked} />
        {email
          ? <input type="hidden" name="email" value={email} />
          : <TextField name="email" label="Email" type="email" required autoComplete="email" />}
        <TextField
          name="code"
          label="Code"
          required
          autoFocus={email !== ""}
          inputMode="numeric"
          autoComplete="one-time-code"
          pattern="\s*(\d\s*){6}"
          title="Six digits"
          maxLength={20}
          class="code-input"
        />
        <button type="submit" class="btn btn-primary btn-block">Sign in</button>
      </form>
      <div class="mt-5 flex flex-wrap items-center gap-x-6 gap-y-2">
        {email && (
          <form method="post" action="/login/code">
            {carried}
            <input type="hidden" name="email" value={email} />
            <button type="submit" class="plain-link cursor-pointer">Send a new code</button>
          </form>
        )}
        <a class="plain-link" href={plan ? `/start?plan=${encodeURIComponent(plan)}` : "/login"}>
          Use another address
        </a>
      </div>
    </>
  );
}

function Link({ token, children }: { token: string; children: ComponentChildren }) {
  return (
    <>
      <h1 class="text-3xl">Sign in to Wrenchline</h1>
      <p class="quiet mt-2">You followed the link from our mail. One press and you are in.</p>
      <form method="post" action="/login/code" class="sheet mt-6 p-6">
        {children}
        <input type="hidden" name="token" value={token} />
        <button type="submit" class="btn btn-primary btn-block">Sign in</button>
      </form>
    </>
  );
}

function told(outcome: CodeFormProps["outcome"]) {
  switch (outcome.outcome) {
    case "wrong":
      return (
        <Notice tone="error">
          That is not the code we sent.{" "}
          {outcome.triesLeft === 1 ? "1 try" : `${outcome.triesLeft} tries`} left.
        </Notice>
      );
    case "locked":
      return <Notice tone="error">That was one try too many. Please ask for a new code.</Notice>;
    case "expired":
      return (
        <Notice tone="error">
          That code was used already or is too old. Please ask for a new one.
        </Notice>
      );
    default:
      return null;
  }
}
