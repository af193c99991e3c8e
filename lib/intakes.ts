// The intake: the vehicle and the complaint, told before paying. All of it is optional.

import { type Login, type Tx, writing } from "@/lib/db/door.ts";

/** What the customer told us so far. */
export interface IntakeView {
  vehicle: string;
  complaint: string;
}

/** The longest vehicle the table takes, in characters. */
export const VEHICLE_LIMIT = 200;

/** The longest complaint the table takes, in characters. */
export const COMPLAINT_LIMIT = 4000;

/** The draft of a user, to go on with; null when nothing was told yet, and for a visitor. */
export async function draftIntake(tx: Tx): Promise<IntakeView | null> {
  const [draft] = await tx<IntakeView>`
    select i.vehicle, i.complaint from app.intakes i
    where i.session_id is null and i.user_id = auth.uid()`;
  return draft ?? null;
}

/** Keeps what was told as this user's one draft. Raises LOGIN, TOOLG. */
export async function saveIntake(login: Login, { vehicle, complaint }: IntakeView): Promise<void> {
  await writing(login, (tx) => tx`select api.save_intake(${vehicle}, ${complaint})`);
}
