import { asset } from "fresh/runtime";
import { define } from "@/lib/state.ts";
import { Footer } from "@/lib/ui/Footer.tsx";
import { Header } from "@/lib/ui/Header.tsx";

/** The document around every page. */
export default define.page(function App({ Component, state, url }) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Wrenchline: talk to a real mechanic</title>
        <meta
          name="description"
          content="Talk to a working mechanic about your car, by chat or video, in minutes. Fixed prices from $9.99, your money back if nobody joins."
        />
        <meta name="theme-color" media="(prefers-color-scheme: light)" content="#ffffff" />
        <meta name="theme-color" media="(prefers-color-scheme: dark)" content="#18232a" />
        <link rel="icon" href={asset("/icon.svg")} type="image/svg+xml" />
        <link rel="apple-touch-icon" href={asset("/icon-180.png")} />
        <link rel="manifest" href={asset("/manifest.webmanifest")} />
        {FACES.map(({ path }) => (
          <link
            key={path}
            rel="preload"
            as="font"
            type="font/woff2"
            crossorigin="anonymous"
            href={asset(path)}
          />
        ))}
        {/* Here and not in the stylesheet, which cannot name a file by its hash. */}
        <style dangerouslySetInnerHTML={{ __html: FACES.map(face).join("") }} />
        <link rel="stylesheet" href={asset("/styles.css")} />
      </head>
      <body class="flex min-h-dvh flex-col bg-base-200">
        <a
          href="#main"
          class="btn btn-primary sr-only z-10 focus:not-sr-only focus:absolute focus:top-2 focus:left-2"
        >
          Skip to the content
        </a>
        {/* A refusal may have come before anybody looked at the cookie. */}
        <Header hasLogin={Boolean(state.login?.proof)} path={url.pathname} />
        <main id="main" tabIndex={-1} class="flex flex-1 flex-col">
          <Component />
        </main>
        <Footer />
      </body>
    </html>
  );
});

const FACES = [
  { path: "/fonts/barlow-400.woff2", weight: 400 },
  { path: "/fonts/barlow-600.woff2", weight: 600 },
];

/** Optional: a letter that comes late stays away, rather than move the page. */
function face({ path, weight }: { path: string; weight: number }): string {
  return `@font-face{font-family:Barlow;font-weight:${weight};font-display:optional;` +
    `src:url("${asset(path)}") format("woff2")}`;
}
