// The mail of a machine without an SMTP server: where the embedded defaults run, and only
// there, one reads it in the browser.

import { backstage } from "@/lib/db/door.ts";
import { Refusal } from "@/lib/db/refusals.ts";
import { environment } from "@/lib/environment.ts";

/** A mail that was kept instead of sent. */
export interface KeptMailView {
  id: number;
  recipient: string;
  subject: string;
  body: string;
  sentAt: string;
}

/** The last fifty mails, newest first. Raises NTFND anywhere but on a demo. */
export async function keptMail(): Promise<KeptMailView[]> {
  if (!environment().isDemo) throw new Refusal("NTFND");
  const [row] = await backstage((tx) =>
    tx<{ mails: KeptMailView[] }>`select api.recent_mail() as mails`
  );
  return row.mails;
}
