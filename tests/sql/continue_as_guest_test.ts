import { strict as assert } from "node:assert";
import { actAs, actAsProof, onStage, type StageTx } from "../support/stage.ts";
import { jobs, newProof } from "./backstage.ts";

interface Viewer {
  userId: string;
  name: string;
  email: string | null;
  role: string;
  isGuest: boolean;
}

async function viewer(tx: StageTx): Promise<Viewer | null> {
  return (await tx<{ viewer: Viewer | null }>`select api.viewer() as viewer`)[0].viewer;
}

/** A new guest, who stays on the stage. */
async function guest(tx: StageTx): Promise<string> {
  await actAs(tx, "vic");
  const proof = newProof();
  await tx`select api.continue_as_guest(${proof}, 'a browser')`;
  await actAsProof(tx, proof);
  return proof;
}

/** Signs the one on the stage in with a mailed code. */
async function signIn(tx: StageTx, was: string, email: string): Promise<string> {
  await tx`select api.ask_for_code(${email}, 'a browser', null)`;
  const { code } = (await jobs(tx, "send_sign_in_code")).at(-1)!;
  await actAsProof(tx, was);
  const proof = newProof();
  const [{ said }] = await tx<{ said: { outcome: string } }>`
    select api.sign_in_with_code(${email}, ${code}, ${proof}, 'a browser') as said`;
  assert.equal(said.outcome, "signed_in");
  await actAsProof(tx, proof);
  return proof;
}

/** What a guest leaves behind: a draft, and a session paid for, in which they spoke. */
async function shop(tx: StageTx, proof: string) {
  const { userId } = (await viewer(tx))!;
  await tx`select api.save_intake('1998 Astra', 'It smells')`;
  const [{ opened }] = await tx<{ opened: { checkoutId: string; createdAt: string } }>`
    select api.open_checkout('chat10') as opened`;
  await actAs(tx, "backstage");
  const [{ said }] = await tx<{ said: { sessionId: string } }>`
    select api.fulfil_checkout(jsonb_build_object(
      'id', 'cs_' || ${opened.checkoutId}::text, 'client_reference_id', ${opened.checkoutId}::text,
      'status', 'complete', 'payment_status', 'paid', 'amount_subtotal', 999, 'amount_total', 999,
      'currency', 'usd', 'payment_intent', 'pi_1')) as said`;
  await actAsProof(tx, proof);
  await tx`select api.send_message(${said.sessionId}, null, 'Anyone there?')`;
  await tx`select api.save_intake('2001 Corsa', 'It squeaks')`;
  return { userId, sessionId: said.sessionId };
}

Deno.test("continue_as_guest() signs a visitor in as a customer without an address", () =>
  onStage(async (tx) => {
    await actAs(tx, "vic");
    assert.equal(await viewer(tx), null);
    await guest(tx);
    const { userId: _, ...said } = (await viewer(tx))!;
    assert.deepEqual(said, { name: "Guest", email: null, role: "customer", isGuest: true });
  }));

Deno.test("continue_as_guest() refuses a proof that is not one, or is somebody's, and slows down a crowd", () =>
  onStage(async (tx) => {
    const proof = await guest(tx);
    await actAs(tx, "vic");
    await assert.rejects(
      tx.savepoint((sp) => sp`select api.continue_as_guest('x', 'a browser')`),
      { code: "BADIN" },
    );
    await assert.rejects(
      tx.savepoint((sp) => sp`select api.continue_as_guest(${proof}, 'a browser')`),
      { code: "23505" },
    );
    await actAs(tx, "admin");
    await tx`update private.rate_limits set times = 600`;
    await actAs(tx, "vic");
    await assert.rejects(
      tx.savepoint((sp) => sp`select api.continue_as_guest(${newProof()}, 'a browser')`),
      { code: "SLOWD" },
    );
    await tx`select api.continue_as_guest(${newProof()}, 'another browser')`;
  }));

Deno.test("a code for a new address turns the guest into that customer, and the guest's cookie ends", () =>
  onStage(async (tx) => {
    const before = await guest(tx);
    const { userId } = (await viewer(tx))!;
    await signIn(tx, before, "gina@wrenchline.test");
    assert.deepEqual(await viewer(tx), {
      userId,
      name: "Customer",
      email: "gina@wrenchline.test",
      role: "customer",
      isGuest: false,
    });
    await actAsProof(tx, before);
    assert.equal(await viewer(tx), null);
  }));

Deno.test("a code for a known customer's address gives them what the guest bought, said and typed", () =>
  onStage(async (tx, { users }) => {
    await actAs(tx, "olive");
    await tx`select api.save_intake('2009 Golf', 'left behind earlier')`;
    await tx`select api.open_checkout('chat10')`; // never paid
    const proof = await guest(tx);
    const { userId, sessionId } = await shop(tx, proof);

    await signIn(tx, proof, "olive@wrenchline.test");
    assert.equal((await viewer(tx))!.userId, users.olive);
    const [{ page }] = await tx<
      { page: { participants: { userId: string }[]; messages: { senderId: string }[] } }
    >`select api.read_session(${sessionId}, 'chat') as page`;
    assert.deepEqual(page.participants.map((p) => p.userId), [users.olive]);
    assert.deepEqual(page.messages.map((m) => m.senderId), [users.olive]);
    assert.deepEqual(
      await tx`select vehicle from app.intakes where session_id is null`,
      [{ vehicle: "2001 Corsa" }],
      "the draft typed last wins",
    );
    assert.deepEqual(
      await tx`select status, session_id from app.checkouts order by status`,
      [{ status: "opening", session_id: null }, { status: "paid", session_id: sessionId }],
    );
    await actAs(tx, "admin");
    assert.deepEqual(
      await tx`select p.role from app.session_participants p where user_id = ${userId}`,
      [],
    );
  }));

Deno.test("a mechanic may sign in over a guest's cookie, but not over what the guest bought", () =>
  onStage(async (tx, { users }) => {
    const idle = await guest(tx);
    await signIn(tx, idle, "nadia@wrenchline.test");
    assert.equal((await viewer(tx))!.userId, users.nadia);

    await actAs(tx, "vic");
    const proof = await guest(tx);
    const { sessionId } = await shop(tx, proof);
    await assert.rejects(tx.savepoint((sp) => signIn(sp, proof, "nadia@wrenchline.test")), {
      code: "DNIED",
      detail: /another address/,
    });
    await actAsProof(tx, proof);
    await tx`select api.read_session(${sessionId}, 'chat')`; // nothing was lost
  }));

Deno.test("a link that somebody else asked for takes nothing of the guest's who presses it", () =>
  onStage(async (tx) => {
    const proof = await guest(tx);
    const { sessionId } = await shop(tx, proof);
    await actAs(tx, "vic");
    await tx`select api.ask_for_code('vic@wrenchline.test', 'vic', null)`;
    const { token } = (await jobs(tx, "send_sign_in_code")).at(-1)!;

    await actAsProof(tx, proof);
    const press = (t: StageTx) =>
      t`select api.sign_in_with_link(${token}, ${newProof()}, 'a browser')`;
    await assert.rejects(tx.savepoint(press), { code: "DNIED" });
    await tx`select api.read_session(${sessionId}, 'chat')`;

    await actAs(tx, "vic"); // it was good for the one who asked
    await press(tx);
  }));

Deno.test("a signed-in customer who signs in as another takes nothing along", () =>
  onStage(async (tx, { session, users }) => {
    await actAs(tx, "olive");
    const [{ proof }] = await tx<{ proof: string }>`select current_setting('app.proof') as proof`;
    await signIn(tx, proof, "oscar@wrenchline.test");
    assert.equal((await viewer(tx))!.userId, users.oscar);
    await assert.rejects(
      tx.savepoint((sp) => sp`select api.read_session(${session}, 'chat')`),
      { code: "NTFND" },
    );
  }));

Deno.test("sign_out() ends this login, and sign_out_everywhere() all of them", () =>
  onStage(async (tx, { users }) => {
    const [here, there] = [newProof(), newProof()];
    await actAs(tx, "admin");
    for (const proof of [here, there]) {
      await tx`insert into auth.logins (proof_hash, user_id)
        values (sha256(convert_to(${proof}, 'UTF8')), ${users.olive})`;
    }
    const isIn = async (proof: string) => (await actAsProof(tx, proof), await viewer(tx)) !== null;

    await actAsProof(tx, here);
    await tx`select api.sign_out()`;
    assert.deepEqual([await isIn(here), await isIn(there)], [false, true]);
    await actAsProof(tx, here);
    await tx`select api.sign_out()`; // again, and by nobody: harmless

    await actAs(tx, "olive");
    await tx`select api.sign_out_everywhere()`;
    assert.equal(await isIn(there), false);
    await actAs(tx, "oscar");
    assert.notEqual(await viewer(tx), null, "the others stay");
    await actAs(tx, "vic");
    await assert.rejects(tx.savepoint((sp) => sp`select api.sign_out_everywhere()`), {
      code: "42501",
    });
  }));
