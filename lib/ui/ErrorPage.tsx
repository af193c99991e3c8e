import { Head } from "fresh/runtime";
import { Frame } from "@/lib/ui/Frame.tsx";

const TITLES: Record<number, string> = {
  400: "That did not make sense to us",
  401: "Who are you?",
  403: "No way through",
  404: "There is nothing here",
  405: "That is not how this page works",
  409: "That can no longer be done",
  413: "More than fits",
  429: "A little slower, please",
  503: "We are away for a moment",
};

/** What people meet when a request was refused or failed. `words` come from `REFUSALS`. */
export function ErrorPage(
  { status, words, requestId }: { status: number; words: string; requestId: string },
) {
  const title = TITLES[status] ??
    (status >= 500 ? "Something broke on our side" : "That did not work");
  return (
    <Frame width="narrow">
      <Head>
        <title>{`${title} · Wrenchline`}</title>
        <meta name="robots" content="noindex" />
      </Head>
      <p class="eyebrow">Error {status}</p>
      <h1 class="mt-2 text-3xl">{title}</h1>
      <p class="mt-4">{words}</p>
      {status === 404 && (
        <p class="quiet mt-2">
          The address may be mistyped, or the page belongs to somebody else: sessions are shown only
          to the people in them.
        </p>
      )}
      <p class="mt-8 flex flex-wrap gap-3">
        <a href="/" class="btn btn-primary">To the start page</a>
        <a href="/account" class="btn btn-outline">Your sessions</a>
      </p>
      {status >= 500 && (
        <p class="quiet mt-8 text-sm">
          If it happens again, tell us this number: <code>{requestId}</code>
        </p>
      )}
    </Frame>
  );
}
