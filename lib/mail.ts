/**
 * Mail: to `SMTP_URL` or, without one, into the database, where `/dev/mail` shows it on a machine
 * with embedded defaults. Called by jobs only, so that what is sent was committed.
 */
// @ts-types="@types/nodemailer"
import nodemailer from "nodemailer";
import { backstage } from "./db/door.ts";
import { environment } from "./environment.ts";

/** A mail as it goes out. */
export interface Mail {
  to: string;
  subject: string;
  text: string;
  html?: string;
}

/** Sends a mail, or keeps it where there is no SMTP server. */
export async function sendMail(mail: Mail): Promise<void> {
  const { smtpUrl, mailFrom } = environment();
  if (smtpUrl) {
    await nodemailer.createTransport(smtpUrl).sendMail({ from: mailFrom, ...mail });
  } else {
    await backstage((tx) => tx`select api.keep_mail(${mail.to}, ${mail.subject}, ${mail.text})`);
  }
}

/** The mail with a sign-in code, and a link for those who read it on the device they sign in with. */
export function signInMail(to: string, code: string, token: string): Mail {
  const link = new URL("/login/code", environment().publicUrl);
  link.searchParams.set("token", token);
  return {
    to,
    subject: `${code} is your Wrenchline code`,
    text: [
      `Your code is ${code}`,
      `Type it on the page that asked for it, or open this link:\n${link}`,
      "It works once, for ten minutes. If you did not ask for it, you need do nothing:",
      "without this mail nobody can sign in as you.",
    ].join("\n\n"),
    html: `<!doctype html>
<html lang="en"><body style="font:16px/1.5 sans-serif;color:#18242b">
<p>Your code is</p>
<p style="font-size:32px;letter-spacing:6px;font-weight:bold">${code}</p>
<p>Type it on the page that asked for it, or <a href="${escaped(link.href)}">sign in here</a>.</p>
<p style="color:#3b4a53">It works once, for ten minutes. If you did not ask for it, you need do
nothing: without this mail nobody can sign in as you.</p>
</body></html>`,
  };
}

/** The mail for who paid and closed the tab. Its link opens nothing without the login that paid. */
export function purchaseMail(to: string, plan: string, route: string): Mail {
  return {
    to,
    subject: `Your ${plan} is waiting`,
    text: [
      `Thank you: your ${plan} is paid, and your place in line is yours.`,
      `It is here, in the browser you paid with or wherever you sign in:\n${new URL(
        route,
        environment().publicUrl,
      )}`,
    ].join("\n\n"),
  };
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
}
