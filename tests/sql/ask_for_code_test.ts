import { strict as assert } from "node:assert";
import { actAs, onStage, type StageTx } from "../support/stage.ts";
import { jobs } from "./backstage.ts";

function ask(tx: StageTx, email: string | null, client = "a browser") {
  return tx`select api.ask_for_code(${email}, ${client}, '/account') as said`;
}

Deno.test("ask_for_code() says and does the same for an address that is known and one that is not", () =>
  onStage(async (tx) => {
    const seen = [];
    for (const email of ["olive@wrenchline.test", "nobody@wrenchline.test"]) {
      await actAs(tx, "vic");
      const said = await ask(tx, email);
      const [job] = (await jobs(tx, "send_sign_in_code")).slice(-1);
      const rows = await tx`
        select redirect, tries, used_at, length(code_hash) as code_bytes, length(link_hash) as link_bytes
        from auth.sign_in_codes where email = ${email}`;
      assert.equal(job.email, email);
      assert.match(String(said[0].said), /^[0-9a-f-]{36}$/, "an id, a new one each time");
      seen.push({ mailed: Object.keys(job).sort(), rows });
    }
    assert.deepEqual(seen[0], seen[1]);
    assert.deepEqual(seen[0].mailed, ["code", "email", "token"]);
  }));

Deno.test("ask_for_code() keeps hashes, of which the code's is keyed", () =>
  onStage(async (tx) => {
    await actAs(tx, "vic");
    await ask(tx, "olive@wrenchline.test");
    const [{ code, token }] = await jobs(tx, "send_sign_in_code");
    const [stored] = await tx<{ code: string; link: string; row: string }>`
      select encode(code_hash, 'hex') as code, encode(link_hash, 'hex') as link, c::text as row
      from auth.sign_in_codes c`;
    const sha256 = async (text: string) =>
      new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))).toHex();
    assert.equal(stored.link, await sha256(token));
    assert.ok(!stored.row.includes(token));
    for (const guess of [code, `olive@wrenchline.test ${code}`, `olive@wrenchline.test${code}`]) {
      assert.notEqual(stored.code, await sha256(guess));
    }
  }));

Deno.test("ask_for_code() refuses what is no address", () =>
  onStage(async (tx) => {
    await actAs(tx, "vic");
    for (
      const email of ["", "olive", "a b@c.de", "a@b", "@b.de", `${"x".repeat(250)}@b.de`, null]
    ) {
      await assert.rejects(tx.savepoint((sp) => ask(sp, email)), { code: "BADIN" }, `${email}`);
    }
    await ask(tx, "olive+golf@mail.example.co.uk");
  }));

Deno.test("ask_for_code() slows down whoever asks for one address, or from one client, too often", () =>
  onStage(async (tx) => {
    await actAs(tx, "vic");
    for (let i = 0; i < 5; i++) await ask(tx, "olive@wrenchline.test", "vic's");
    await assert.rejects(tx.savepoint((sp) => ask(sp, " OLIVE@wrenchline.test", "vic's")), {
      code: "SLOWD",
    });
    // Olive herself may still ask; only very many strangers together stop that.
    for (let i = 0; i < 15; i++) await ask(tx, "olive@wrenchline.test", `client ${i}`);
    await assert.rejects(tx.savepoint((sp) => ask(sp, "olive@wrenchline.test", "another")), {
      code: "SLOWD",
    });
    await ask(tx, "oscar@wrenchline.test", "another"); // the others may

    for (let i = 0; i < 60; i++) await ask(tx, `u${i}@wrenchline.test`, "busy");
    await assert.rejects(tx.savepoint((sp) => ask(sp, "v@wrenchline.test", "busy")), {
      code: "SLOWD",
    });

    await actAs(tx, "admin");
    await tx`update private.rate_limits set started_at = now() - interval '61 minutes'`;
    await actAs(tx, "vic"); // and time heals it
    await ask(tx, "olive@wrenchline.test", "busy");
    await actAs(tx, "admin");
    const rows = await tx<{ row: string }>`select l::text as row from private.rate_limits l`;
    assert.ok(rows.length > 0 && rows.every(({ row }) => !row.includes("@")), "keys are digests");
  }));

Deno.test("sign_in_with_code() slows down a client that tries codes of many addresses", () =>
  onStage(async (tx) => {
    await actAs(tx, "vic");
    const attempt = (t: StageTx) =>
      t`select api.sign_in_with_code('olive@wrenchline.test', '123456', ${
        "0".repeat(64)
      }, 'guesser')`;
    for (let i = 0; i < 100; i++) await attempt(tx);
    await assert.rejects(tx.savepoint(attempt), { code: "SLOWD" });
    await assert.rejects(
      tx.savepoint((sp) => sp`select api.sign_in_with_link('x', ${"0".repeat(64)}, 'guesser')`),
      { code: "SLOWD" },
    );
  }));
