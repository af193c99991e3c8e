// Messages: reading a chat, and saying something in it.

import { z } from "zod";
import { type Login, reading, writing } from "@/lib/db/door.ts";
import { Refusal } from "@/lib/db/refusals.ts";
import { formFields, readAtMost } from "@/lib/forms.ts";
import type { IntakeView } from "@/lib/intakes.ts";
import type { ChangesFrame, MessageView } from "@/lib/live/frames.ts";
import type { Opening } from "@/lib/live/timeline.ts";

/** What a chat page is made of. */
export interface ChatView extends Opening {
  intake: IntakeView | null;
}

/** A message on its way: the browser's own id for it, and what it says. */
export interface Draft {
  clientId: string;
  body: string;
}

/** A chat with its history, for a participant. Raises LOGIN, NTFND. */
export async function readChat(login: Login, sessionId: string): Promise<ChatView> {
  const [{ chat }] = await reading(login, (tx) =>
    tx<{ chat: ChatView }>`
      select api.read_session(${sessionId}, 'chat') as chat`);
  return chat;
}

/** What changed after a version, as one page of a `changes` frame. Raises LOGIN, NTFND. */
export async function messagesAfter(
  login: Login,
  { sessionId, after }: { sessionId: string; after: number },
): Promise<Omit<ChangesFrame, "kind"> & { more?: boolean }> {
  const [{ page }] = await reading(login, (tx) =>
    tx<{ page: Omit<ChangesFrame, "kind"> }>`
      select api.messages_after(${sessionId}, ${after}) as page`);
  return page;
}

/** Refuses whoever may not hear this session. Raises LOGIN, NTFND. */
export async function askToHear(login: Login, sessionId: string): Promise<void> {
  await messagesAfter(login, { sessionId, after: Number.MAX_SAFE_INTEGER });
}

/**
 * Says something in a session; once it answers, it is stored. Harmless to repeat with
 * the same client id. Raises LOGIN, NTFND, DNIED, ENDED, TOOLG, BADIN.
 */
export async function sendMessage(
  login: Login,
  { sessionId, clientId, body }: Draft & { sessionId: string },
): Promise<MessageView> {
  const [{ sent }] = await writing(
    login,
    (tx) =>
      tx<{ sent: MessageView }>`
        select api.send_message(${sessionId}, ${clientId}, ${storable(body)}) as sent`,
    { rings: sessionId },
  );
  return sent;
}

/** Tells the other participants that somebody types. Stored nowhere. */
export async function signalTyping(login: Login, sessionId: string): Promise<void> {
  await writing(login, (tx) => tx`select api.signal(${sessionId}, '{"kind": "typing"}')`);
}

/** The session id in a URL, or NTFND: what is no id names no session. */
export function sessionIdIn(params: Record<string, string>): string {
  const { success, data } = z.guid().safeParse(params.id);
  if (!success) throw new Refusal("NTFND");
  return data;
}

/** The `after` of a URL: a version, 0 when it is not said. Raises BADIN. */
export function afterIn(url: URL): number {
  const { success, data } = z.coerce.number().int().nonnegative()
    .safeParse(url.searchParams.get("after") ?? 0);
  if (!success) throw new Refusal("BADIN");
  return data;
}

/** Who cannot repeat needs no id of their own. */
const clientId = z.literal("").or(z.guid()).default("").transform((id) =>
  id || crypto.randomUUID()
);
const draft = z.object({ clientId, body: z.string() });

const LARGEST_JSON_BYTES = 100_000;

/** What a request wants to say, by JSON or by a form. Raises BADIN, TOOLG. */
export async function draftIn(req: Request): Promise<Draft & { isForm: boolean }> {
  const isForm = !req.headers.get("content-type")?.startsWith("application/json");
  const { success, data } = draft.safeParse(
    isForm ? await formFields(req, "clientId", "body") : await jsonOf(req),
  );
  if (!success) throw new Refusal("BADIN");
  return { ...data, isForm };
}

async function jsonOf(req: Request): Promise<unknown> {
  const text = await (await readAtMost(LARGEST_JSON_BYTES, req)).text();
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** What Postgres can keep: no NUL, no half of a surrogate pair. */
function storable(body: string): string {
  return body.replaceAll("\0", "").toWellFormed();
}
