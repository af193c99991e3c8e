import { strict as assert } from "node:assert";
import { actAs, actAsProof, onStage, type StageTx } from "../support/stage.ts";
import { jobs, newProof, onCopy } from "./backstage.ts";

interface Outcome {
  outcome: string;
  triesLeft?: number;
  role?: string;
  redirect?: string;
}

async function askFor(
  tx: StageTx,
  email: string,
  redirect: string | null = null,
  client = "a browser",
) {
  await actAs(tx, "vic");
  await tx`select api.ask_for_code(${email}, ${client}, ${redirect})`;
  const job = (await jobs(tx, "send_sign_in_code")).at(-1)!;
  await actAs(tx, "vic");
  return job;
}

async function signIn(tx: StageTx, email: string, code: string | null, proof = newProof()) {
  const [{ said }] = await tx<{ said: Outcome }>`
    select api.sign_in_with_code(${email}, ${code}, ${proof}, 'a browser') as said`;
  return said;
}

async function viewer(tx: StageTx, proof: string) {
  await actAsProof(tx, proof);
  const [{ viewer }] = await tx<{ viewer: Record<string, unknown> | null }>`
    select api.viewer() as viewer`;
  return viewer;
}

function other(code: string): string {
  return code === "000000" ? "000001" : "000000";
}

Deno.test("sign_in_with_code() signs in with the mailed code, once", () =>
  onStage(async (tx) => {
    const { code, email } = await askFor(tx, " Olive@Wrenchline.Test ", "/chat/1");
    assert.match(code, /^\d{6}$/);
    assert.equal(email, "olive@wrenchline.test");

    const proof = newProof();
    const said = await signIn(
      tx,
      "OLIVE@wrenchline.test",
      `${code.slice(0, 3)} ${code.slice(3)}`,
      proof,
    );
    assert.deepEqual(said, { outcome: "signed_in", role: "customer", redirect: "/chat/1" });
    assert.equal((await viewer(tx, proof))?.name, "Olive");

    await actAs(tx, "vic");
    const again = newProof();
    assert.deepEqual(await signIn(tx, "olive@wrenchline.test", code, again), {
      outcome: "expired",
    });
    assert.equal(await viewer(tx, again), null);
  }));

Deno.test("sign_in_with_code() counts five tries and then locks, also for the right code", () =>
  onStage(async (tx) => {
    const { code } = await askFor(tx, "olive@wrenchline.test");
    for (const triesLeft of [4, 3, 2, 1]) {
      assert.deepEqual(await signIn(tx, "olive@wrenchline.test", other(code)), {
        outcome: "wrong",
        triesLeft,
      });
    }
    assert.deepEqual(await signIn(tx, "olive@wrenchline.test", other(code)), {
      outcome: "locked",
      triesLeft: 0,
    });
    assert.deepEqual(await signIn(tx, "olive@wrenchline.test", code), { outcome: "locked" });

    await actAs(tx, "admin");
    await tx`update auth.sign_in_codes set tries = 4`;
    await actAs(tx, "vic"); // on the fifth try it was still good
    assert.equal((await signIn(tx, "olive@wrenchline.test", code)).outcome, "signed_in");
  }));

Deno.test("sign_in_with_code() takes no code, an empty one and letters for a wrong one", () =>
  onStage(async (tx) => {
    const { code } = await askFor(tx, "olive@wrenchline.test");
    for (const guess of [null, "", "abcdef"]) {
      const proof = newProof();
      assert.equal((await signIn(tx, "olive@wrenchline.test", guess, proof)).outcome, "wrong");
      assert.equal(await viewer(tx, proof), null);
      await actAs(tx, "vic");
    }
    assert.equal((await signIn(tx, "olive@wrenchline.test", code)).outcome, "signed_in");
  }));

Deno.test("sign_in_with_code() refuses a code after ten minutes and one that was asked for again", () =>
  onStage(async (tx) => {
    const { code } = await askFor(tx, "olive@wrenchline.test");
    await actAs(tx, "admin");
    const [{ lasts }] = await tx<{ lasts: number }>`
      select extract(epoch from expires_at - created_at)::int as lasts from auth.sign_in_codes`;
    assert.equal(lasts, 600);
    await tx`update auth.sign_in_codes set expires_at = now()`;
    await actAs(tx, "vic");
    assert.deepEqual(await signIn(tx, "olive@wrenchline.test", code), { outcome: "expired" });

    await actAs(tx, "admin");
    await tx`update auth.sign_in_codes set expires_at = now() + interval '1 second', created_at = now() - interval '1 minute'`;
    const newer = await askFor(tx, "olive@wrenchline.test");
    if (newer.code !== code) {
      assert.equal((await signIn(tx, "olive@wrenchline.test", code)).outcome, "wrong");
    }
    assert.equal((await signIn(tx, "olive@wrenchline.test", newer.code)).outcome, "signed_in");
  }));

Deno.test("sign_in_with_code() wants a proof that is a sha256 in hex", () =>
  onStage(async (tx) => {
    const { code } = await askFor(tx, "olive@wrenchline.test");
    for (const proof of ["", "cookie", newProof().toUpperCase() + "G"]) {
      await assert.rejects(
        tx.savepoint((sp) => signIn(sp, "olive@wrenchline.test", code, proof)),
        { code: "BADIN" },
      );
    }
    await assert.rejects(
      tx.savepoint((sp) =>
        sp`select api.sign_in_with_code('olive@wrenchline.test', ${code}, null, 'a browser')`
      ),
      { code: "BADIN" },
    );
    assert.equal((await signIn(tx, "olive@wrenchline.test", code)).outcome, "signed_in");
  }));

Deno.test("sign_in_with_link() does what the code does, once, and uses the code up", () =>
  onStage(async (tx) => {
    const { token, code } = await askFor(tx, "marco@wrenchline.test", "/desk");
    const follow = async (token: string, proof = newProof()) =>
      (await tx<{ said: Outcome }>`
        select api.sign_in_with_link(${token}, ${proof}, 'a browser') as said`)[0].said;

    assert.deepEqual(await follow("0".repeat(64)), { outcome: "expired" });
    const proof = newProof();
    assert.deepEqual(await follow(token, proof), {
      outcome: "signed_in",
      role: "mechanic",
      redirect: "/desk",
    });
    assert.equal((await viewer(tx, proof))?.name, "Marco");
    await actAs(tx, "vic");
    assert.deepEqual(await follow(token), { outcome: "expired" });
    assert.deepEqual(await signIn(tx, "marco@wrenchline.test", code), { outcome: "expired" });
  }));

Deno.test("sign_in_with_link() refuses the link of a code that was locked or is too old", () =>
  onStage(async (tx) => {
    const { token } = await askFor(tx, "olive@wrenchline.test");
    const follow = async () =>
      (await tx<{ said: Outcome }>`
        select api.sign_in_with_link(${token}, ${newProof()}, 'a browser') as said`)[0].said;
    for (const spoilt of ["tries = 5", "tries = 0, expires_at = now()"]) {
      await actAs(tx, "admin");
      await tx.raw(`update auth.sign_in_codes set ${spoilt}`);
      await actAs(tx, "vic");
      assert.deepEqual(await follow(), { outcome: "expired" });
    }
    await actAs(tx, "admin");
    await tx`update auth.sign_in_codes set expires_at = now() + interval '1 minute'`;
    await actAs(tx, "vic");
    assert.equal((await follow()).outcome, "signed_in");
  }));

Deno.test("sign_in_with_code() ends the login the browser came with", () =>
  onStage(async (tx) => {
    const { code } = await askFor(tx, "olive@wrenchline.test");
    await actAs(tx, "olive");
    const [{ had }] = await tx<{ had: string }>`select current_setting('app.proof') as had`;
    assert.equal((await viewer(tx, had))?.name, "Olive");
    await signIn(tx, "olive@wrenchline.test", code);
    assert.equal(await viewer(tx, had), null);
  }));

Deno.test("two browsers that use one code at once: one is signed in", () =>
  onCopy(async ({ hand, isWaiting }) => {
    const [left, right, admin] = [await hand("vic"), await hand("vic"), await hand("admin")];
    await left.raw("begin");
    await left`select api.ask_for_code('zoe@wrenchline.test', 'zoe', null)`;
    await left.raw("commit");
    const [{ code }] = await admin<{ code: string }>`
      select payload ->> 'code' as code from graphile_worker._private_jobs`;

    const use = (by: typeof left, client: string) =>
      by<{ said: Outcome }>`
        select api.sign_in_with_code('zoe@wrenchline.test', ${code}, ${newProof()}, ${client}) as said`;
    await left.raw("begin");
    await right.raw("begin");
    assert.equal((await use(left, "left"))[0].said.outcome, "signed_in");
    const second = use(right, "right");
    await isWaiting(right, second);
    await left.raw("commit");
    assert.equal((await second)[0].said.outcome, "expired");
    await right.raw("commit");
  }));

Deno.test("sign_in_with_code() knows the code this browser asked for among those of others", () =>
  onStage(async (tx) => {
    const ask = async (client: string) => {
      const [{ id }] = await tx<{ id: string }>`
        select api.ask_for_code('olive@wrenchline.test', ${client}, null) as id`;
      return { id, code: (await jobs(tx, "send_sign_in_code")).at(-1)!.code };
    };
    await actAs(tx, "vic");
    const olives = await ask("olive");
    await actAs(tx, "vic");
    await ask("vic"); // who wants to spoil hers
    await actAs(tx, "vic");
    const [{ said }] = await tx<{ said: { outcome: string } }>`
      select api.sign_in_with_code('olive@wrenchline.test', ${olives.code}, ${newProof()}, 'olive', ${olives.id}) as said`;
    assert.equal(said.outcome, "signed_in");
  }));

Deno.test("sign_in_with_code() takes no more codes for an address after thirty wrong ones a day, and the link still works", () =>
  onStage(async (tx) => {
    for (let i = 0; i < 6; i++) await askFor(tx, "olive@wrenchline.test", null, `guesser ${i}`);
    await actAs(tx, "admin");
    await tx`update auth.sign_in_codes set tries = 5`;
    const { code, token } = await askFor(tx, "olive@wrenchline.test", null, "olive");
    assert.deepEqual(await signIn(tx, "olive@wrenchline.test", code), { outcome: "locked" });
    await tx.savepoint(async (sp) => {
      const [{ said }] = await sp<{ said: { outcome: string } }>`
        select api.sign_in_with_link(${token}, ${newProof()}, 'olive') as said`;
      assert.equal(said.outcome, "signed_in");
    });
    await actAs(tx, "admin");
    await tx`update auth.sign_in_codes set created_at = now() - interval '25 hours', used_at = null where tries = 5`;
    await tx`update auth.sign_in_codes set used_at = null`;
    await actAs(tx, "vic"); // and the next day
    assert.equal((await signIn(tx, "olive@wrenchline.test", code)).outcome, "signed_in");
  }));
