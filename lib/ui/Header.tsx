import { Brand } from "@/lib/ui/Brand.tsx";

/** The top of every page. Whether the cookie still counts, only the page itself asks. */
export function Header({ hasLogin, path }: { hasLogin: boolean; path: string }) {
  const account = hasLogin
    ? { href: "/account", words: "Your sessions" }
    : { href: "/login", words: "Sign in" };
  return (
    <header class="bg-base-100 print:hidden">
      <div class="mx-auto flex w-full max-w-6xl items-center justify-between gap-4 px-4 py-3 sm:px-6">
        <a href="/" class="flex items-center gap-2.5 text-xl font-semibold tracking-tight">
          <Brand />
          Wrenchline
        </a>
        <nav aria-label="Main">
          <a
            href={account.href}
            class="btn btn-ghost"
            aria-current={path === account.href ? "page" : undefined}
          >
            {account.words}
          </a>
        </nav>
      </div>
      <div class="road" aria-hidden="true" />
    </header>
  );
}
