// A user's own sessions and receipts, as lists and links. What happens inside a session
// is lib/messages.ts and lib/live/.

import { type Login, reading, type Tx } from "@/lib/db/door.ts";
import { Refusal } from "@/lib/db/refusals.ts";
import { viewerIn, type ViewerView } from "@/lib/logins.ts";
import type { SessionType } from "@/lib/plans.ts";

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
  /** What was paid, or while that is on its way what is to be. */
  amountCents: number;
  currency: string;
  status: "pending" | "paid" | "duplicate" | "refunded";
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
  const [known, sessions, receipts] = await reading(login, (tx) =>
    Promise.all([
      viewerIn(tx),
      sessionLines(tx),
      tx<ReceiptView>`
        select c.id, p.name as "planName", coalesce(c.paid_cents, c.amount_cents) as "amountCents",
          c.currency, case when c.status = 'paid' and s.status = 'refunded' then 'refunded'
            else c.status end as status,
          c.receipt_url as "receiptUrl", c.created_at as "createdAt"
        from app.checkouts c
        join app.plans p on p.id = c.plan
        left join app.sessions s on s.id = c.session_id
        where c.user_id = auth.uid() and c.status in ('pending', 'paid', 'duplicate')
        order by c.created_at desc limit 100`,
    ]));
  if (!known) throw new Refusal("LOGIN");
  return { viewer: known, sessions, receipts };
}

/** One session of this login's, for the page after paying. Raises LOGIN, NTFND. */
export async function paidSession(login: Login, id: string): Promise<SessionPageView> {
  const [known, [session]] = await reading(login, (tx) =>
    Promise.all([
      viewerIn(tx),
      tx<SessionPageView>`
        select s.id, s.type, p.name as "planName", s.status, s.length_minutes as "lengthMinutes",
          s.created_at as "createdAt", coalesce(i.vehicle, '') as vehicle,
          coalesce(i.complaint, '') as complaint
        from app.sessions s
        join app.plans p on p.id = s.plan
        left join app.intakes i on i.session_id = s.id
        where s.id = ${UUID.test(id) ? id : null}`,
    ]));
  if (!known) throw new Refusal("LOGIN");
  if (!session) throw new Refusal("NTFND");
  return session;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The sessions a user has a seat in, newest first; none for a visitor. */
export function sessionLines(tx: Tx): Promise<SessionLineView[]> {
  return tx<SessionLineView>`
    select s.id, s.type, p.name as "planName", s.status,
      s.length_minutes as "lengthMinutes", s.created_at as "createdAt"
    from app.sessions s join app.plans p on p.id = s.plan
    where s.id = any (array(select auth.my_session_ids())) -- a dispatcher may see others'
    order by s.created_at desc limit 100`;
}
