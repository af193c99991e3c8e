import type Stripe from "stripe";
import { invalid, StripeFailure } from "./failures.ts";
import { integer, metadata, onlyKnown, type Params, text } from "./params.ts";
import { emit, seconds, type World } from "./world.ts";

/** POST /v1/refunds. https://docs.stripe.com/api/refunds/create */
export function createRefund(world: World, params: Params): Stripe.Refund {
  onlyKnown(params, ["amount", "charge", "expand", "metadata", "payment_intent", "reason"]);
  const charge = chargeToRefund(world, params);
  const unrefunded = charge.amount_captured - charge.amount_refunded;
  const amount = integer(params, "amount") ?? unrefunded;
  if (charge.disputed) {
    throw new StripeFailure(400, {
      type: "invalid_request_error",
      code: "charge_disputed",
      message: `Charge ${charge.id} has been charged back; cannot issue a refund.`,
    });
  }
  if (unrefunded === 0) {
    throw invalid(
      `Charge ${charge.id} has already been refunded.`,
      undefined,
      "charge_already_refunded",
    );
  }
  if (amount < 1) throw invalid("Invalid positive integer", "amount", "parameter_invalid_integer");
  if (amount > unrefunded) {
    throw invalid(
      `Refund amount (${dollars(amount)}) is greater than unrefunded amount on charge (${
        dollars(unrefunded)
      })`,
      "amount",
    );
  }

  const fault = world.faults.ofRefund();
  const refund = world.store.put<"refund">({
    id: world.store.newId("re"),
    object: "refund",
    amount,
    balance_transaction: world.store.newId("txn"),
    charge: charge.id,
    created: seconds(world),
    currency: charge.currency,
    metadata: metadata(params),
    payment_intent: charge.payment_intent,
    reason: text(params, "reason") ?? null,
    receipt_number: null,
    source_transfer_reversal: null,
    status: fault === undefined ? "succeeded" : "pending",
    transfer_reversal: null,
  } as unknown as Stripe.Refund);
  count(world, charge, amount);
  emit(world, "refund.created", refund);
  emit(world, "charge.refunded", charge);
  if (fault === "failed") settleRefund(world, refund.id, "failed");
  return refund;
}

/** A pending refund arrives at the buyer's bank, or comes back. */
export function settleRefund(
  world: World,
  id: string,
  outcome: "succeeded" | "failed",
): Stripe.Refund {
  const refund = world.store.get("refund", id);
  if (refund.status !== "pending") throw new Error(`Cannot settle ${id}: it is ${refund.status}`);
  refund.status = outcome;
  if (outcome === "failed") {
    refund.failure_reason = "expired_or_canceled_card";
    count(world, world.store.get("charge", refund.charge as string), -refund.amount);
  }
  world.store.touched();
  emit(world, "refund.updated", refund, { status: "pending" });
  if (outcome === "failed") emit(world, "refund.failed", refund);
  return refund;
}

/** The buyer's bank takes the money back. */
export function openDispute(world: World, paymentIntent: string, reason: string): Stripe.Dispute {
  const intent = world.store.get("payment_intent", paymentIntent);
  const charge = world.store.get("charge", intent.latest_charge as string);
  charge.disputed = true;
  const dispute = world.store.put<"dispute">({
    id: world.store.newId("du"),
    object: "dispute",
    amount: charge.amount,
    balance_transactions: [],
    charge: charge.id,
    created: seconds(world),
    currency: charge.currency,
    enhanced_eligibility_types: [],
    evidence: {},
    evidence_details: {
      due_by: seconds(world) + 7 * 86400,
      has_evidence: false,
      past_due: false,
      submission_count: 0,
    },
    is_charge_refundable: false,
    livemode: false,
    metadata: {},
    payment_intent: intent.id,
    reason,
    status: "needs_response",
  } as unknown as Stripe.Dispute);
  emit(world, "charge.dispute.created", dispute);
  return dispute;
}

function chargeToRefund(world: World, params: Params): Stripe.Charge {
  const chargeId = text(params, "charge");
  if (chargeId !== undefined) return world.store.get("charge", chargeId);
  const intentId = text(params, "payment_intent");
  if (intentId === undefined) {
    throw invalid(
      "One of the following params should be provided for this request: payment_intent or charge.",
    );
  }
  const intent = world.store.get("payment_intent", intentId);
  if (intent.status !== "succeeded") {
    throw invalid(
      `This PaymentIntent (${intentId}) does not have a successful charge to refund.`,
      "payment_intent",
    );
  }
  return world.store.get("charge", intent.latest_charge as string);
}

function count(world: World, charge: Stripe.Charge, amount: number): void {
  charge.amount_refunded += amount;
  charge.refunded = charge.amount_refunded === charge.amount_captured;
  world.store.touched();
}

function dollars(cents: number): string {
  return `$${(cents / 100).toFixed(2)}`;
}
