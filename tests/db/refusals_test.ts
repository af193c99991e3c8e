import { strict as assert } from "node:assert";
import { reading, writing } from "@/lib/db/door.ts";
import { sqlFiles } from "@/lib/db/migrate.ts";
import { Refusal, refusalOf, REFUSALS } from "@/lib/db/refusals.ts";
import { SESSIONS } from "../support/cast.ts";
import { inject, loginOf, openDoor, VISITOR } from "./entrance.ts";

const OLIVE = loginOf("olive");

Deno.test("every code that SQL raises has a status and words", async () => {
  const raised = new Map<string, string>();
  for (const { name, text } of [...await sqlFiles("logic"), ...await sqlFiles("migrations")]) {
    for (const [, code] of text.matchAll(/errcode\s*=\s*'(\w+)'/g)) raised.set(code, name);
  }
  assert.ok(raised.size >= 8);
  for (const [code, file] of raised) assert.ok(code in REFUSALS, `${file} raises ${code}`);
});

Deno.test("a refusal has its code's status, its words, and what SQL adds for the person", () => {
  for (const [code, { status, words }] of Object.entries(REFUSALS)) {
    const refusal = refusalOf({ code, message: "Cannot: for the log" });
    assert.ok(refusal instanceof Refusal);
    assert.deepEqual([refusal.code, refusal.status, refusal.words], [code, status, words]);
    const detailed = refusalOf({ code, detail: "Try the other one." });
    assert.equal(detailed?.words, `${words} Try the other one.`);
    assert.equal(refusalOf(refusal), refusal);
  }
});

Deno.test("of Postgres' own errors some are refusals, without its words; the others are faults of ours", () => {
  const table: [string, Refusal["code"] | null][] = [
    ["22P02", "NTFND"],
    ["22021", "BADIN"],
    ["22P05", "BADIN"],
    ["23505", "ALRDY"],
    ["40001", "BUSY_"],
    ["40P01", "BUSY_"],
    ["55P03", "BUSY_"],
    ["57014", "BUSY_"],
    ["08006", "AWAY_"],
    ["53300", "AWAY_"],
    ["57P01", "AWAY_"],
    ["57P02", "AWAY_"],
    ["57P03", "AWAY_"],
    ["57P05", "AWAY_"],
    ["ECONNREFUSED", "AWAY_"],
    ["ECONNRESET", "AWAY_"],
    ["42501", null],
    ["42601", null],
    ["23514", null],
    ["23503", null],
    ["25006", null],
    ["P0001", null],
    ["XX000", null],
  ];
  for (const [code, expected] of table) {
    const refusal = refusalOf({ code, message: "a secret", detail: "Key (email)=(a@b.c) exists" });
    assert.equal(refusal?.code ?? null, expected, code);
    if (refusal) assert.equal(refusal.words, REFUSALS[refusal.code].words);
  }
  for (const other of [null, undefined, "NTFND", 404, new Error("x"), { code: 23505 }, {}]) {
    assert.equal(refusalOf(other), null);
  }
});

Deno.test("the door throws refusals for what SQL refuses, and Postgres' error for a fault of ours", async () => {
  await using _ = await openDoor();
  const send = (login: typeof OLIVE, session: string, body: string) =>
    writing(login, (tx) => tx`select api.send_message(${session}, null, ${body})`);
  const read = (login: typeof OLIVE, session: string) =>
    reading(login, (tx) => tx`select api.read_session(${session}, 'chat')`);

  await read(OLIVE, SESSIONS.olives);
  await send(OLIVE, SESSIONS.olives, "x".repeat(4_000));
  const refused: [() => Promise<unknown>, Refusal["code"]][] = [
    [() => read(VISITOR, SESSIONS.olives), "LOGIN"],
    [() => read({ proof: "made up" }, SESSIONS.olives), "LOGIN"],
    [() => read(OLIVE, SESSIONS.oscars), "NTFND"],
    [() => read(OLIVE, "nonsense"), "NTFND"],
    [() => send(OLIVE, SESSIONS.oscars, "Hello"), "NTFND"],
    [() => send(OLIVE, SESSIONS.olives, " "), "BADIN"],
    [() => send(OLIVE, SESSIONS.olives, "a\0b"), "BADIN"],
    [() => send(OLIVE, SESSIONS.olives, "x".repeat(4_001)), "TOOLG"],
    [() => reading(OLIVE, (tx) => tx`select ${'"\\u0000"'}::jsonb`), "BADIN"],
  ];
  for (const [ask, code] of refused) {
    await assert.rejects(ask(), (error) => error instanceof Refusal && error.code === code);
  }
  await assert.rejects(send(OLIVE, SESSIONS.olives, "x".repeat(4_001)), {
    status: 413,
    message: "That is too long. A message may be 4,000 characters long.",
  });
  await assert.rejects(
    reading(OLIVE, (tx) => inject(tx, "select * from auth.logins")),
    (error) => !(error instanceof Refusal) && (error as { code: string }).code === "42501",
  );
});
