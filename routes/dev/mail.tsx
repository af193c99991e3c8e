import { Head } from "fresh/runtime";
import { page } from "fresh";
import { environment } from "@/lib/environment.ts";
import { keptMail } from "@/lib/kept_mail.ts";
import { define } from "@/lib/state.ts";
import { Frame } from "@/lib/ui/Frame.tsx";
import { When } from "@/lib/ui/When.tsx";

export const handler = define.handlers({
  /** The mail this machine would have sent. Not there outside the embedded defaults. */
  async GET() {
    return page({ mails: await keptMail(), site: environment().publicUrl.origin });
  },
});

export default define.page<typeof handler>(function Mail({ data: { mails, site } }) {
  return (
    <Frame width="text">
      <Head>
        <title>Mail · Wrenchline</title>
        <meta name="robots" content="noindex" />
      </Head>
      <h1 class="text-3xl">Mail</h1>
      <p class="quiet mt-2">
        This machine has no mail server, so what it would have sent is kept here. Reload for newer
        ones.
      </p>
      {mails.length === 0 && <p class="mt-6">Nothing was sent yet.</p>}
      {mails.map((mail) => (
        <article key={mail.id} class="sheet mt-6 p-6" aria-labelledby={`mail-${mail.id}`}>
          <h2 id={`mail-${mail.id}`} class="text-lg">{mail.subject}</h2>
          <p class="quiet text-sm">
            To {mail.recipient}, <When at={new Date(mail.sentAt)} />
          </p>
          <p class="words mt-4 whitespace-pre-wrap">{linked(mail.body, site)}</p>
        </article>
      ))}
    </Frame>
  );
});

/** The body with the addresses of this site as links; no other address becomes one. */
function linked(body: string, site: string) {
  return body.split(/(https?:\/\/\S+)/).map((part) =>
    URL.parse(part)?.origin === site ? <a key={part} href={part}>{part}</a> : part
  );
}
