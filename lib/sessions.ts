// A user's own sessions and receipts, as lists and links. What happens inside a session
// is lib/messages.ts and lib/live/.

import { type Login, reading, type Tx } from "@/lib/db/door.ts";
import { Refusal } from "@/lib/db/refusals.ts";
import { user, type ViewerView } from "@/lib/logins.ts";
import { type SessionType } from "@/lib/plans.ts";

/** A session as those in it find it in a list. */
export interface SessionLineView {
  id: string;
  type: SessionType;
  planName: string;
  status: "waiting" | "live" | "ended" | "refunded";
  lengthMinutes: number;
  createdAt: Date;
}

/** What was paid on one trip to Stripe. */
export interface ReceiptView {
  id: string;
  planName: string;
  amountCents: number;
  currency: string;
  status: "pending" | "paid" | "duplicate";
  receiptUrl: string | null;
  createdAt: Date;
}

/** A session with what its customer told before paying. */
export interface SessionPageView extends SessionLineView {
  vehicle: string;
  complaint: string;
}

/** Where a session is to be found. Video calls and diagnostics have no page of their own yet. */
export function sessionPath({ id, type }: { id: string; type: SessionType }): string {
  return type === "chat" ? `/chat/${id}` : `/thank-you?session=${id}`;
}

/** Whether a session is still to come or going on. */
export function isOpen({ status }: { status: SessionLineView["status"] }): boolean {
  return status === "waiting" || status === "live";
}

/** Who this login is, with the sessions and receipts that are theirs. Raises LOGIN. */
export async function accountOf(login: Login): Promise<{
  viewer: ViewerView;
  sessions: SessionLineView[];
  receipts: ReceiptView[];
}> {
  // First who, then what: nobody may not even ask these tables.
  const known = await user(login);
  const [sessions, receipts] = await reading(login, (tx) =>
    Promise.all([
      sessionLines(tx),
      tx<ReceiptView>`
        select c.id, p.name as "planName", c.amount_cents as "amountCents", c.currency, c.status,
          c.receipt_url as "receiptUrl", c.created_at as "createdAt"
        from app.checkouts c join app.plans p on p.id = c.plan
        where c.user_id = auth.uid() and c.status in ('pending', 'paid', 'duplicate')
        order by c.created_at desc limit 100`,
    ]));
  return { viewer: known, sessions, receipts };
}

/** The sessions a user has a seat in that are waiting or live, newest first. */
export async function openSessionsOf(login: Login): Promise<SessionLineView[]> {
  const sessions = await reading(login, (tx) => sessionLines(tx));
  return sessions.filter(isOpen);
}

/** One session of this login's, for the page after paying. Raises LOGIN, NTFND. */
export async function paidSession(login: Login, id: string): Promise<SessionPageView> {
  await user(login);
  if (!UUID.test(id)) throw new Refusal("NTFND");
  const [session] = await reading(login, (tx) =>
    tx<SessionPageView>`
      select s.id, s.type, p.name as "planName", s.status, s.length_minutes as "lengthMinutes",
        s.created_at as "createdAt", coalesce(i.vehicle, '') as vehicle,
        coalesce(i.complaint, '') as complaint
      from app.sessions s
      join app.plans p on p.id = s.plan
      left join app.intakes i on i.session_id = s.id
      where s.id = ${id}`);
  if (!session) throw new Refusal("NTFND");
  return session;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function sessionLines(tx: Tx): Promise<SessionLineView[]> {
  return tx<SessionLineView>`
    select s.id, s.type, p.name as "planName", s.status,
      s.length_minutes as "lengthMinutes", s.created_at as "createdAt"
    from app.sessions s join app.plans p on p.id = s.plan
    where s.id = any (array(select auth.my_session_ids())) -- a dispatcher may see others'
    order by s.created_at desc limit 100`;
}
