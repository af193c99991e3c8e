import type { SessionType } from "@/lib/plans.ts";

/** Said before paying, for what can be bought but cannot be entered yet. Nothing for a chat. */
export function NotYet({ type }: { type: SessionType }) {
  switch (type) {
    case "chat":
      return null;
    case "video":
      return <Line>The video room is not open yet.</Line>;
    case "diagnostic":
      return <Line>The diagnostic room is not open yet.</Line>;
  }
}

function Line({ children }: { children: string }) {
  return (
    <p class="mb-4 border-l-4 border-accent pl-3 text-sm">
      {children} Buying now keeps you a place in line, and all of it is refunded if we cannot start.
    </p>
  );
}
