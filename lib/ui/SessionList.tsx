import { type SessionLineView, sessionPath } from "@/lib/sessions.ts";
import { When } from "@/lib/ui/When.tsx";

/** The words for how a session stands. */
export const STATUS_WORDS: Record<SessionLineView["status"], string> = {
  waiting: "Waiting for a mechanic",
  live: "Going on now",
  ended: "Over",
  refunded: "Refunded",
};

/** Sessions as links to their pages. */
export function SessionList({ sessions }: { sessions: SessionLineView[] }) {
  if (sessions.length === 0) {
    return (
      <div class="sheet p-6">
        <p>There are none yet.</p>
        <a href="/" class="btn btn-primary mt-4">See the plans</a>
      </div>
    );
  }
  return (
    <ul class="sheet divide-y divide-base-300">
      {sessions.map((session) => (
        <li
          key={session.id}
          class="flex flex-wrap items-center justify-between gap-x-6 gap-y-1 p-5"
        >
          <div>
            <a class="plain-link text-lg font-semibold" href={sessionPath(session)}>
              {session.planName}
            </a>
            <p class="quiet text-sm">
              {session.lengthMinutes} minutes, bought <When at={session.createdAt} />
            </p>
          </div>
          <p class={`badge ${BADGES[session.status]}`}>{STATUS_WORDS[session.status]}</p>
        </li>
      ))}
    </ul>
  );
}

const BADGES: Record<SessionLineView["status"], string> = {
  waiting: "badge-warning",
  live: "badge-success",
  ended: "badge-outline",
  refunded: "badge-outline",
};
