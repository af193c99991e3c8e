import type Stripe from "stripe";

/** What the pay page shows besides the session itself. */
export interface PayView {
  session: Stripe.Checkout.Session;
  lineItems: Stripe.LineItem[];
  allowsDelayed: boolean;
  promotionCode?: string;
  email: string;
  method?: string;
  problem?: { field: string; message: string };
}

/** The hosted page: what is bought, and the form that pays for it. */
export function payHtml(view: PayView): string {
  const { session, problem } = view;
  const isFree = session.amount_total === 0;
  return document(
    `Pay ${money(session.amount_total, session.currency)}`,
    `
    ${
      session.cancel_url
        ? `<a class="back" href="${escape(session.cancel_url)}">← Back to Wrenchline</a>`
        : ""
    }
    <section aria-label="Order">
      <h1><span>${escape(view.lineItems.map((line) => line.description).join(", "))}</span>
        ${money(session.amount_total, session.currency)}</h1>
      <dl>
        ${
      view.lineItems.map((line) =>
        row(
          `${line.description}${line.quantity === 1 ? "" : ` × ${line.quantity}`}`,
          money(line.amount_subtotal, line.currency),
        )
      ).join("")
    }
        ${
      session.total_details?.amount_discount
        ? row(
          `Promotion code ${view.promotionCode}`,
          `−${money(session.total_details.amount_discount, session.currency)}`,
        )
        : ""
    }
        ${row("Total due", money(session.amount_total, session.currency), "total")}
      </dl>
      ${session.allow_promotion_codes ? promotionForm(view) : ""}
    </section>
    <form method="post" novalidate>
      ${
      problem && problem.field !== "promotion"
        ? `<p class="problem" role="alert">${escape(problem.message)}</p>`
        : ""
    }
      ${
      field(
        "email",
        "Email",
        view.email,
        'type="email" autocomplete="email" inputmode="email"',
        problem,
      )
    }
      ${isFree ? "" : methods(view)}
      <button class="pay" name="action" value="pay">Pay</button>
    </form>
    <footer>The offline Stripe: no real money moves. Test cards only, such as 4242 4242 4242 4242.</footer>`,
  );
}

/** The issuer's page of 3-D Secure. */
export function threeDsHtml(session: Stripe.Checkout.Session, last4: string): string {
  return document(
    "3-D Secure",
    `
    <form method="post" class="alone">
      <h1><span>3-D Secure 2 test page</span>Is it you?</h1>
      <p>Your bank asks you to confirm ${
      money(session.amount_total, session.currency)
    } on the card ending in ${escape(last4)}.</p>
      <button class="pay" name="action" value="complete">Complete authentication</button>
      <button class="plain" name="action" value="fail">Fail authentication</button>
    </form>`,
  );
}

/** A page of a few words, with at most one way on. */
export function noteHtml(
  title: string,
  words: string,
  way?: { href: string; name: string },
): string {
  return document(
    title,
    `
    <section class="alone"><h1>${escape(title)}</h1><p>${escape(words)}</p>
    ${
      way
        ? `<p><a class="pay" href="${escape(way.href)}">${escape(way.name)}</a></p>`
        : ""
    }</section>`,
  );
}

/** What was bought and paid, for the buyer to keep. */
export function receiptHtml(charge: Stripe.Charge): string {
  const state = charge.refunded
    ? "Refunded"
    : charge.status === "succeeded"
    ? "Paid"
    : charge.status;
  return document(
    "Receipt",
    `
    <section class="alone"><h1><span>Receipt from Wrenchline</span>${
      money(charge.amount, charge.currency)
    }</h1>
    <dl>${row("Status", state)}${
      row("Date", new Date(charge.created * 1000).toISOString().slice(0, 10))
    }
    ${
      charge.amount_refunded
        ? row("Refunded", money(charge.amount_refunded, charge.currency))
        : ""
    }</dl></section>`,
  );
}

/** The sandbox's own page: what it holds, and the buttons for what only time would bring. */
export function overviewHtml(sessions: Stripe.Checkout.Session[], settling: Set<string>): string {
  const items = sessions.map((session) => `
    <li><code>${escape(session.id.slice(0, 20))}…</code> ${
    money(session.amount_total, session.currency)
  }
      <strong>${session.status}</strong>, ${session.payment_status}
      ${
    settling.has(session.id)
      ? `<form method="post" class="row"><input type="hidden" name="session" value="${session.id}">
         <button name="outcome" value="succeeded">The transfer arrives</button>
         <button name="outcome" value="failed">The transfer fails</button></form>`
      : ""
  }</li>`);
  return document(
    "The offline Stripe",
    `
    <section class="alone"><h1>The offline Stripe</h1>
    <p>Stands in for api.stripe.com and its pay page. The newest Checkout Sessions:</p>
    <ul>${items.join("") || "<li>None yet.</li>"}</ul></section>`,
  );
}

function promotionForm(view: PayView): string {
  if (view.promotionCode) {
    return `<form method="post" class="row"><span>Code <strong>${
      escape(view.promotionCode)
    }</strong></span>
      <button name="action" value="remove_promotion">Remove</button></form>`;
  }
  const problem = view.problem?.field === "promotion" ? view.problem : undefined;
  return `<form method="post" novalidate>
    <div class="row">
      <input name="promotion" aria-label="Promotion code" placeholder="Add promotion code" autocomplete="off"
        ${problem ? 'aria-invalid="true" aria-describedby="promotion-problem"' : ""}>
      <button name="action" value="promotion">Apply</button>
    </div>
    ${
    problem
      ? `<p class="problem" role="alert" id="promotion-problem">${escape(problem.message)}</p>`
      : ""
  }
  </form>`;
}

function methods(view: PayView): string {
  const card = `<div class="card-fields">
    ${
    field(
      "number",
      "Card number",
      "",
      'inputmode="numeric" autocomplete="cc-number" placeholder="1234 1234 1234 1234"',
      view.problem,
    )
  }
    <div class="pair">
      ${
    field(
      "expiry",
      "Expiry",
      "",
      'inputmode="numeric" autocomplete="cc-exp" placeholder="MM / YY"',
      view.problem,
    )
  }
      ${
    field(
      "cvc",
      "CVC",
      "",
      'inputmode="numeric" autocomplete="cc-csc" placeholder="CVC"',
      view.problem,
    )
  }
    </div></div>`;
  if (!view.allowsDelayed) return card;
  const delayed = view.method === "bank";
  return `<fieldset><legend>Payment method</legend>
    <label class="method"><input type="radio" name="method" value="card"${
    delayed ? "" : " checked"
  }> Card</label>
    ${card}
    <label class="method"><input type="radio" name="method" value="bank" id="bank"${
    delayed ? " checked" : ""
  }>
      Pay by bank transfer</label>
    <p class="hint">Takes a while to arrive; the order waits for it.</p>
  </fieldset>`;
}

function field(
  name: string,
  label: string,
  value: string,
  more: string,
  problem?: { field: string },
): string {
  const wrong = problem?.field === name ? ' aria-invalid="true" autofocus' : "";
  return `<label class="field">${label}<input name="${name}" value="${
    escape(value)
  }" ${more}${wrong}></label>`;
}

function row(term: string, value: string, kind = ""): string {
  return `<div class="${kind}"><dt>${escape(term)}</dt><dd>${escape(value)}</dd></div>`;
}

function money(cents: number | null, currency: string | null): string {
  return new Intl.NumberFormat("en-US", { style: "currency", currency: currency ?? "usd" }).format(
    (cents ?? 0) / 100,
  );
}

function document(title: string, body: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">
<title>${
    escape(title)
  } · offline Stripe</title><style>${STYLE}</style></head><body><main>${body}</main></body></html>`;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

const STYLE = `
:root { color-scheme: light dark; --ink: light-dark(#1a1f36, #eef0f6); --soft: light-dark(#5d667c, #a7afc2);
  --line: light-dark(#d5dae3, #3b4256); --sheet: light-dark(#fff, #171b26); --ground: light-dark(#f4f6fa, #0f121a);
  --go: light-dark(#4b44d1, #8b86ff); --on-go: light-dark(#fff, #10121c); --bad: light-dark(#b3093c, #ff8aa5) }
* { box-sizing: border-box } body { margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif }
main { max-width: 58rem; margin: 0 auto; padding: 1rem; display: grid; gap: 1.25rem }
section, main > form { background: var(--sheet); border: 1px solid var(--line); border-radius: 12px; padding: 1.25rem }
h1 { margin: 0 0 .75rem; font-size: 2rem; line-height: 1.2 } h1 span { display: block; font-size: 1rem; font-weight: 500;
  color: var(--soft); margin-bottom: .25rem }
dl { margin: 0 } dl div { display: flex; justify-content: space-between; gap: 1rem; padding: .4rem 0 } dd { margin: 0 }
dl .total { border-top: 1px solid var(--line); font-weight: 650; margin-top: .4rem }
.field, fieldset { display: block; margin: 0 0 1rem; font-weight: 550 } fieldset { border: 0; padding: 0 }
legend { padding: 0; margin-bottom: .5rem } .method { display: flex; gap: .6rem; align-items: center; min-height: 44px }
input:not([type=radio]) { display: block; width: 100%; min-height: 44px; margin-top: .25rem; padding: .5rem .75rem; font: inherit; font-weight: 400;
  color: inherit; background: transparent; border: 1px solid var(--line); border-radius: 8px }
input[aria-invalid] { border-color: var(--bad) } ::placeholder { color: var(--soft); opacity: 1 }
input[type=radio] { width: 1.15rem; height: 1.15rem; accent-color: var(--go) }
:focus-visible { outline: 3px solid var(--go); outline-offset: 2px }
fieldset:has(#bank:checked) .card-fields { display: none } fieldset:not(:has(#bank:checked)) .hint { display: none }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: .75rem }
.row { display: flex; gap: .5rem; align-items: center; justify-content: space-between; margin-top: .75rem }
.row input:not([type=radio]) { margin: 0; flex: 1 1 0; min-width: 0 }
button, a.pay { font: inherit; font-weight: 600; min-height: 44px; padding: .5rem 1rem; border-radius: 8px; cursor: pointer;
  border: 1px solid var(--line); background: transparent; color: inherit }
button.pay, a.pay { display: block; width: 100%; background: var(--go); color: var(--on-go); border-color: var(--go);
  text-align: center; text-decoration: none } .plain { width: 100%; margin-top: .75rem }
.back { color: var(--soft); padding: .6rem 0 } .hint, footer { color: var(--soft); font-size: .9rem; margin: 0 }
.problem { color: var(--bad); font-weight: 600; margin: 0 0 1rem } .row + .problem { margin: .5rem 0 0 }
ul { padding-left: 1.1rem } li { margin: .4rem 0 } .alone { max-width: 34rem; width: 100%; margin: 0 auto }
@media (min-width: 48rem) { main { grid-template-columns: 1fr 1fr; align-items: start; padding-top: 3rem }
  .back, footer, .alone { grid-column: 1 / -1 } }`;
