/**
 * Every table of ours against everybody. A cell is what came of select, insert, update and delete:
 * A for all rows, o for one's own, - for none of them, and a dot where Postgres refused to try.
 */
import { strict as assert } from "node:assert";
import { type Player, proofOf } from "../support/cast.ts";
import { actAs, actAsProof, onStage, type Props, type StageTx } from "../support/stage.ts";

// revoked, expired: Nadia's login, which is over. former: Nadia, who sat in Olive's session.
// forger: Vic, who took the dispatcher's role. upstart: Olive, who took it.
const MATRIX = `
                                vic  revoked expired oscar olive marco former dana dba  forger upstart web  relay backstage
app.chat_messages               .... ....    ....    oo..  oo..  oo..  --..   A... AA.. -...   o...    .... ....  ....
app.checkouts                   -... -...    -...    o...  o...  -...  -...   A... A... -...   o...    .... ....  ....
app.intakes                     -... -...    -...    o...  o...  o...  -...   A... A... -...   o...    .... ....  ....
app.plans                       A... A...    A...    A...  A...  A...  A...   A... A.A. A...   A...    .... ....  ....
app.refunds                     .... ....    ....    o...  o...  -...  -...   -... A... -...   o...    .... ....  ....
app.session_participants        .... ....    ....    o...  o...  o...  -...   A... AAAA -...   o...    .... ....  ....
app.sessions                    -... -...    -...    o...  o...  o...  -...   A... A... -...   o...    .... ....  ....
auth.logins                     .... ....    ....    ....  ....  ....  ....   .... A.AA ....   ....    .... ....  ....
auth.sign_in_codes              .... ....    ....    ....  ....  ....  ....   .... .... ....   ....    .... ....  ....
auth.users                      .... ....    ....    o...  o...  o...  o...   A... AAAA -...   o...    .... ....  ....
private.mail                    .... ....    ....    ....  ....  ....  ....   .... .... ....   ....    .... ....  ....
private.migrations              .... ....    ....    ....  ....  ....  ....   .... .... ....   ....    .... ....  ....
private.rate_limits             .... ....    ....    ....  ....  ....  ....   .... .... ....   ....    .... ....  ....
private.rebuilds                .... ....    ....    ....  ....  ....  ....   .... .... ....   ....    .... ....  ....
private.secrets                 .... ....    ....    ....  ....  ....  ....   .... .... ....   ....    .... ....  ....
private.session_versions        .... ....    ....    ....  ....  ....  ....   .... .... ....   ....    .... ....  ....
private.stripe_events           .... ....    ....    ....  ....  ....  ....   .... .... ....   ....    .... ....  ....
private.stripe_prices           .... ....    ....    ....  ....  ....  ....   .... .... ....   ....    .... ....  ....
private.stripe_webhook_secrets  .... ....    ....    ....  ....  ....  ....   .... .... ....   ....    .... ....  ....
`;

const [CAST, ...ROWS] = MATRIX.trim().split("\n").map((line) => line.trim().split(/ +/));

/** Whose rows "o" means: a condition, in which $1 is who looks. */
const MINE = "select p.session_id from app.session_participants p where p.user_id = $1";
const OWN: Record<string, string> = {
  "app.chat_messages": `session_id in (${MINE})`,
  "app.checkouts": "user_id = $1",
  "app.intakes": `user_id = $1 or session_id in (${MINE})`,
  "app.refunds": "checkout_id in (select c.id from app.checkouts c where c.user_id = $1)",
  "app.session_participants": `session_id in (${MINE})`,
  "app.sessions": `id in (${MINE})`,
  "auth.users":
    `id = $1 or id in (select q.user_id from app.session_participants q where q.session_id in (${MINE}))`,
};

/** What one could insert, with whose it would be. Where there is nothing, nobody may insert at all. */
function insertsInto(table: string, { session, other, users }: Props): [Player | null, string][] {
  const say = (id: string, sender: Player): [Player, string] => [
    sender,
    `(session_id, sender_id, body) values ('${id}', '${users[sender]}', 'hello')`,
  ];
  const seat = (id: string): [null, string] => [
    null,
    `(session_id, user_id, role) values ('${id}', '${users.nadia}', 'mechanic')`,
  ];
  const user = "(email, name, role) values ('zoe@wrenchline.test', 'Zoe', 'customer')";
  switch (table) {
    case "app.chat_messages":
      return [say(session, "olive"), say(session, "marco"), say(other, "oscar")];
    case "app.session_participants":
      return [seat(session), seat(other)];
    case "auth.users":
      return [[null, user]];
    default:
      return [];
  }
}

async function setScene(tx: StageTx, { session, other, users }: Props): Promise<void> {
  await tx`insert into app.session_participants (session_id, user_id, role) values (${session}, ${users.nadia}, 'mechanic')`;
  await tx`insert into app.chat_messages (session_id, sender_id, body) values
    (${session}, ${users.olive}, 'It shakes'), (${session}, ${users.marco}, 'At what speed?'),
    (${session}, ${users.nadia}, 'Let me see'), (${other}, ${users.oscar}, 'It hums')`;
  await tx`delete from app.session_participants where user_id = ${users.nadia}`;
  await tx`insert into app.intakes (user_id, session_id, vehicle) values (${users.oscar}, ${other}, 'A van')`;
  await tx`insert into app.checkouts (user_id, intake_id, plan, amount_cents, currency)
    select user_id, id, 'chat10', 999, 'usd' from app.intakes`;
  await tx`insert into app.refunds (checkout_id, amount_cents, reason, requested_by)
    select id, 999, 'a test', 'a test' from app.checkouts`;
  await tx`insert into auth.logins (proof_hash, user_id, revoked_at, expires_at) values
    (sha256('revoked'), ${users.nadia}, now(), now() + interval '1 day'),
    (sha256('expired'), ${users.nadia}, null, now())`;
}

/** Steps in, and says who that is. */
async function become(tx: StageTx, who: string, users: Props["users"]): Promise<string | null> {
  switch (who) {
    case "revoked":
    case "expired":
      await actAsProof(tx, who);
      return users.nadia;
    case "former":
      await actAsProof(tx, proofOf("nadia"));
      return users.nadia;
    case "forger":
    case "upstart":
      await actAs(tx, who === "forger" ? "vic" : "olive");
      await tx`select set_config('role', 'wrenchline_dispatcher', true)`;
      return who === "forger" ? null : users.olive;
    default:
      await actAs(tx, who as Parameters<typeof actAs>[1]);
      return users[who as Player] ?? null;
  }
}

/** Runs a statement and takes it back. Null when Postgres refuses to try; row security's no is 0 rows. */
async function attempt(tx: StageTx, text: string): Promise<number | null> {
  let count = 0;
  const undone = new Error("undone");
  try {
    await tx.savepoint(async (sp) => {
      count = (await sp.raw(text)).rowCount ?? 0;
      throw undone;
    });
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (code === "42501") return message.includes("row-level security") ? 0 : null;
    if (code === "23503" || code === "23001") return 1; // it was let try, but others hang on the row
    if (error !== undone) throw error;
  }
  return count;
}

interface Table {
  name: string;
  key: string;
  columns: string[];
}

async function tablesOf(tx: StageTx, schemas = ["app", "auth", "private"]): Promise<Table[]> {
  return await tx<Table & Record<string, unknown>>`
    select c.oid::regclass::text as name,
      (select 'concat_ws('' '', ' || string_agg(quote_ident(a.attname), ', ') || ')'
        from pg_index i join pg_attribute a on a.attrelid = c.oid and a.attnum = any (i.indkey)
        where i.indrelid = c.oid and i.indisprimary) as key,
      (select array_agg(a.attname::text order by a.attnum) from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and a.attidentity = '') as columns
    from pg_class c
    where c.relnamespace = any (${schemas}::regnamespace[]) and c.relkind in ('r', 'p')
    order by 1`;
}

/** The letter for the rows that were reached. */
function letter(reached: Set<string>, all: Set<string>, own: Set<string>): string {
  if (reached.size === 0) return "-";
  if (reached.symmetricDifference(all).size === 0) return "A";
  return reached.symmetricDifference(own).size === 0 ? "o" : "?";
}

async function keys(tx: StageTx, { key, name }: Table, where = "true"): Promise<Set<string>> {
  const { rows } = await tx.raw(`select ${key} as key from ${name} where ${where}`);
  return new Set(rows.map(({ key }) => key));
}

async function cell(tx: StageTx, table: Table, who: string, props: Props): Promise<string> {
  const { name, key } = table;
  const me = await become(tx, who, props.users);
  await actAs(tx, "admin");
  const all = await keys(tx, table);
  const own = me && OWN[name]
    ? await keys(tx, table, OWN[name].replaceAll("$1", `'${me}'`))
    : new Set<string>();
  await become(tx, who, props.users);

  const mayRead = await attempt(tx, `select from ${name}`) !== null;
  const select = mayRead ? letter(await keys(tx, table), all, own) : ".";
  const byKey = async (statement: string) => {
    if (await attempt(tx, `${statement} where false`) === null) return ".";
    const reached = new Set<string>();
    for (const id of all) {
      if (await attempt(tx, `${statement} where ${key} = '${id}'`)) reached.add(id);
    }
    return letter(reached, all, own);
  };
  const column = await updatableColumn(tx, table);
  return [
    select,
    await inserts(tx, name, me, props),
    await byKey(`update ${name} set ${column} = ${column}`),
    await byKey(`delete from ${name}`),
  ].join("");
}

async function inserts(tx: StageTx, name: string, me: string | null, props: Props) {
  const rows = insertsInto(name, props);
  if (rows.length === 0) {
    assert.equal(await attempt(tx, `insert into ${name} default values`), null, name);
    return ".";
  }
  const inserted = new Set<string>();
  for (const [, row] of rows) {
    const count = await attempt(tx, `insert into ${name} ${row}`);
    if (count === null) return ".";
    if (count > 0) inserted.add(row);
  }
  const own = rows.filter(([whose]) => whose && props.users[whose] === me);
  return letter(inserted, new Set(rows.map(([, row]) => row)), new Set(own.map(([, row]) => row)));
}

/** A column that whoever is on the stage may update, or any. */
async function updatableColumn(tx: StageTx, { name, columns }: Table): Promise<string> {
  const [schema] = name.split(".");
  const [{ sees }] = await tx`select has_schema_privilege(${schema}, 'usage') as sees`;
  if (!sees) return columns[0];
  const [found] = await tx<{ column: string }>`
    select c as column from unnest(${columns}::text[]) c
    where has_column_privilege(${name}, c, 'update')`;
  return found?.column ?? columns[0];
}

Deno.test("everybody reads and writes exactly the rows that are theirs, in every table of ours", () =>
  onStage(async (tx, props) => {
    await setScene(tx, props);
    const tables = await tablesOf(tx);
    assert.deepEqual(tables.map(({ name }) => name), ROWS.map(([name]) => name));
    const found: string[][] = [];
    for (const table of tables) {
      const cells = [];
      for (const who of CAST) cells.push(await cell(tx, table, who, props));
      found.push([table.name, ...cells]);
    }
    assert.deepEqual(found, ROWS);
  }));

Deno.test("the job runner's tables are backstage's and nobody else's", () =>
  onStage(async (tx, props) => {
    await tx`select private.enqueue('refund_payment', '{"refundId": "1"}')`;
    const tables = await tablesOf(tx, ["graphile_worker"]);
    assert.ok(tables.length >= 4);
    for (const who of CAST) {
      for (const { name, columns: [column] } of tables) {
        await become(tx, who, props.users);
        const answers = [
          await attempt(tx, `select from ${name} where false`),
          await attempt(
            tx,
            `insert into ${name} (${column}) select ${column} from ${name} where false`,
          ),
          await attempt(tx, `update ${name} set ${column} = ${column} where false`),
          await attempt(tx, `delete from ${name} where false`),
        ];
        assert.deepEqual(answers, Array(4).fill(who === "backstage" ? 0 : null), `${who} ${name}`);
      }
    }
    await become(tx, "backstage", props.users);
    assert.equal(await attempt(tx, "select from graphile_worker._private_jobs"), 1);
  }));

/** Grants to less than a whole row. What a browser must not have is not in any of them. */
const COLUMNS: Record<string, string> = {
  "app.chat_messages insert by customer, dba, mechanic": "session_id sender_id client_id body",
  "app.checkouts select by anon, customer, dispatcher, mechanic":
    "id user_id plan amount_cents paid_cents currency status receipt_url session_id created_at settled_at",
  "app.plans update by dba": "name tagline includes excludes price_cents length_minutes position",
  "app.refunds select by customer, dispatcher, mechanic":
    "id checkout_id amount_cents status created_at",
  "app.session_participants insert by dba": "session_id user_id role",
  "app.session_participants update by dba": "role",
  "app.sessions select by anon, customer, dispatcher, mechanic":
    "id type plan status length_minutes created_at live_at ended_at version",
  "auth.logins select by dba": "id user_id created_at expires_at revoked_at",
  "auth.logins update by dba": "expires_at revoked_at",
  "auth.users insert by dba": "email name role",
  "auth.users select by customer, dispatcher, mechanic": "id name role",
  "auth.users update by dba": "email name role",
};

Deno.test("of a row one sees and sets the columns that were named, and no others", () =>
  onStage(async (tx) => {
    const { rows } = await tx.raw(`
      select format('%s %s by %s', name, lower(privilege_type), string_agg(who, ', ' order by who)) as grant, columns
      from (
        select a.attrelid::regclass::text as name, g.privilege_type,
          substring(g.grantee::regrole::text from 'wrenchline_(.*)') as who,
          string_agg(a.attname, ' ' order by a.attnum) as columns
        from pg_attribute a join pg_class c on c.oid = a.attrelid, aclexplode(a.attacl) g
        where c.relnamespace = any ('{app,api,auth,private,graphile_worker}'::regnamespace[])
        group by 1, 2, 3
      ) grants group by name, privilege_type, columns order by 1`);
    assert.deepEqual(Object.fromEntries(rows.map((row) => [row.grant, row.columns])), COLUMNS);
  }));
