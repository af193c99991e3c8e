/**
 * Every frame that travels over a session's socket, as zod schemas: two unions
 * on `kind`. The browser imports the types only, so that zod stays on the server.
 */
import { z } from "zod";

const version = z.int().nonnegative();

/** A message as people may see it. */
export const messageView = z.object({
  id: z.guid(),
  version,
  senderId: z.guid(),
  senderName: z.string(),
  role: z.enum(["customer", "mechanic", "observer"]),
  body: z.string(),
  clientId: z.guid(),
  createdAt: z.string(),
});

/** Somebody's seat in a session. */
export const participantView = z.object({
  userId: z.guid(),
  name: z.string(),
  role: z.enum(["customer", "mechanic", "observer"]),
});

/** The session itself. */
export const sessionView = z.object({
  id: z.guid(),
  type: z.enum(["chat", "video", "diagnostic"]),
  plan: z.string(),
  status: z.string(),
  createdAt: z.string(),
  liveAt: z.string().nullable(),
  endedAt: z.string().nullable(),
  lengthMinutes: z.int(),
});

/** What changed between two versions; participants are the whole short list. */
export const changesFrame = z.object({
  kind: z.literal("changes"),
  from: version,
  to: version,
  messages: z.array(messageView).optional(),
  participants: z.array(participantView).optional(),
  session: sessionView.optional(),
});

/** What the server says. */
export const serverFrame = z.discriminatedUnion("kind", [
  changesFrame,
  z.object({ kind: z.literal("ready"), version }),
  z.object({ kind: z.literal("ack"), clientId: z.guid(), id: z.guid(), version }),
  z.object({
    kind: z.literal("refused"),
    clientId: z.guid().optional(),
    code: z.string(),
    words: z.string(),
  }),
  z.object({ kind: z.literal("typing"), userId: z.guid() }),
  z.object({ kind: z.literal("presence"), userId: z.guid(), isHere: z.boolean() }),
  z.object({ kind: z.literal("signal"), userId: z.guid(), data: z.unknown() }),
]);

/** What a browser says. The length of a body is SQL's to judge. */
export const clientFrame = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("send"), clientId: z.guid(), body: z.string() }),
  z.object({ kind: z.literal("typing") }),
  z.object({ kind: z.literal("read"), version }),
  z.object({ kind: z.literal("signal"), data: z.unknown() }),
]);

/** What rings on the `session_signal` channel. Anyone may spoof it: a hint, never a fact. */
export const signalRing = z.object({
  session: z.guid(),
  from: z.guid(),
  kind: z.literal("typing"),
});

export type MessageView = z.infer<typeof messageView>;
export type ParticipantView = z.infer<typeof participantView>;
export type SessionView = z.infer<typeof sessionView>;
export type ChangesFrame = z.infer<typeof changesFrame>;
export type ServerFrame = z.infer<typeof serverFrame>;
export type ClientFrame = z.infer<typeof clientFrame>;

/** The frame in a client's text, or null when it is not one of ours. */
export function readClientFrame(data: unknown): ClientFrame | null {
  if (typeof data !== "string") return null;
  try {
    return clientFrame.parse(JSON.parse(data));
  } catch {
    return null;
  }
}
